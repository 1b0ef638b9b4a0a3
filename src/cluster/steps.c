/*
 * The steps of the plan, carried out: what is written here, on the workers, and
 * in Citus. Each is harmless when it is done twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/state.h"

#include "base/banned.h"

enum {
	/* How much WAL a member may write before our memory of it is renewed: a write here for
	 * every look would make an idle cluster write for ever, each node because of the other. */
	REMEMBER_BYTES = 1024 * 1024,
	TELL_EVERY_MS = 30 * 1000,
};

/* {"a","b"} of the chosen workers: names, hosts and numbers need no escaping. */
static char *array_of(const struct members *m, const bool chosen[],
	void (*print)(FILE *out, const struct worker *))
{
	char *array = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&array, &size);
	const char *separator = "";

	fputc('{', out);
	for (int i = 0; i < m->count; i++) {
		if (!chosen[i])
			continue;
		fprintf(out, "%s\"", separator);
		print(out, &m->workers[i]);
		fputc('"', out);
		separator = ",";
	}
	fputc('}', out);
	fclose(out);
	return array;
}

static void print_host(FILE *out, const struct worker *w)
{
	fputs(w->view->host, out);
}

static void print_name(FILE *out, const struct worker *w)
{
	fputs(w->view->name, out);
}

static void print_identifier(FILE *out, const struct worker *w)
{
	fputs(watch_facts(w->watch)->own.system_identifier, out);
}

static void print_timeline(FILE *out, const struct worker *w)
{
	fprintf(out, "%d", w->seen.timeline);
}

static void print_lsn(FILE *out, const struct worker *w)
{
	fprintf(out, "%X/%X", (unsigned)(w->seen.lsn >> 32), (unsigned)w->seen.lsn);
}

static void print_is_empty(FILE *out, const struct worker *w)
{
	fputs(w->view->state == MEMBER_EMPTY ? "t" : "f", out);
}

static void renew(char **array, char *with)
{
	free(*array);
	*array = with;
}

static void prepare_arrays(struct members *m, const bool chosen[])
{
	bool well[MEMBERS_MAX] = { false };

	for (int i = 0; i < m->count; i++)
		well[i] = m->workers[i].view->active;
	renew(&m->others, array_of(m, well, print_host));
	renew(&m->hosts, array_of(m, chosen, print_host));
	renew(&m->names, array_of(m, chosen, print_name));
	renew(&m->identifiers, array_of(m, chosen, print_identifier));
	renew(&m->empties, array_of(m, chosen, print_is_empty));
	renew(&m->timelines, array_of(m, chosen, print_timeline));
	renew(&m->lsns, array_of(m, chosen, print_lsn));
	renew(&m->incarnations, catalog_incarnations(&m->catalog));
}

static int bind_own_name(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->id->name;
	return 1;
}

static int bind_intent(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->names;
	parameters[1] = m->identifiers;
	parameters[2] = m->empties;
	return 3;
}

static int bind_names(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->names;
	return 1;
}

static int bind_progress(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->names;
	parameters[1] = m->timelines;
	parameters[2] = m->lsns;
	return 3;
}

static int bind_own_host(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	/* Not a true no-op when it is already so: it rewrites the row on all metadata workers,
	 * and fails when one of them is down. */
	if (strcmp(m->catalog.facts.databases[m->database].host, m->id->host) == 0)
		return SQL_SKIP;
	parameters[0] = m->id->host;
	parameters[1] = m->port;
	return 2;
}

static int bind_hosts(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->hosts;
	parameters[1] = m->port;
	return 2;
}

/* A cluster of one: the coordinator holds the shards itself. */
static int bind_lone_host(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	if (m->count > 0 || m->catalog.facts.databases[m->database].holds_shards)
		return SQL_SKIP;
	parameters[0] = m->id->host;
	parameters[1] = m->port;
	return 2;
}

#define SET_COORDINATOR_HOST                                                                       \
	{                                                                                          \
		.name = "set the coordinator's host",                                              \
		.sql = "select citus_set_coordinator_host($1, $2::int)", .bind = bind_own_host     \
	}
#define ACTIVATE_WORKERS                                                                           \
	{                                                                                          \
		.name = "activate the workers",                                                    \
		.sql = "select count(citus_activate_node(host, $2::int))"                          \
		       " from unnest($1::text[]) host",                                            \
		.bind = bind_hosts                                                                 \
	}

static const struct sql_step mint[] = {
	{ .name = "make the cluster's id",
		.sql = "with made as (insert into citus_init.cluster (id)"
		       " values (gen_random_uuid()) returning id),"
		       " granted as (delete from citus_init.wish where what = 'abandon')"
		       " insert into citus_init.this_node (cluster_id, name) select id, $1 from made"
		       " on conflict (only_row) do update set cluster_id = excluded.cluster_id,"
		       " name = excluded.name, since = now()",
		.bind = bind_own_name },
};

/* Of a member that is remembered only the successor is written: who was lost stays known until
 * the successor has taken its place. */
static const struct sql_step intend[] = {
	{ .name = "write the intent to register",
		.sql = "insert into citus_init.member (name, system_identifier, successor)"
		       " select name, identifier, case when is_empty then identifier end"
		       " from unnest($1::text[], $2::text[], $3::boolean[])"
		       " as told (name, identifier, is_empty)"
		       " on conflict (name) do update set intended_at = now(),"
		       " system_identifier = case when member.registered_at is null"
		       "  then excluded.system_identifier else member.system_identifier end,"
		       " successor = excluded.successor",
		.bind = bind_intent },
};

/* All inactive adds in one statement, all activations in another: 2.3 times as fast as one
 * citus_add_node() after the other, and an add of a known name is harmless. */
static const struct sql_step registration[] = {
	SET_COORDINATOR_HOST,
	{ .name = "add the workers to pg_dist_node",
		.sql = "select count(citus_add_inactive_node(host, $2::int))"
		       " from unnest($1::text[]) host",
		.bind = bind_hosts },
	ACTIVATE_WORKERS,
};

static const struct sql_step activation[] = { ACTIVATE_WORKERS };

static const struct sql_step release[] = {
	{ .name = "let changes go on without the dead member",
		/* Its own metadata stays: it may be back in this moment, and a node whose metadata
		 * was cleared looks like an empty one. */
		.sql = "select stop_metadata_sync_to_node(host, $2::int, clear_metadata => false)"
		       " from unnest($1::text[]) host",
		.bind = bind_hosts },
};

static const struct sql_step confirm[] = {
	{ .name = "remember the registration",
		.sql = "update citus_init.member set registered_at = now()"
		       " where name = any ($1::text[]) and registered_at is null",
		.bind = bind_names },
};

static const struct sql_step remember[] = {
	{ .name = "remember how far the members have come",
		.sql = "update citus_init.member set timeline = told.timeline, lsn = told.lsn"
		       " from unnest($1::text[], $2::int[], $3::pg_lsn[])"
		       " as told (name, timeline, lsn) where member.name = told.name",
		.bind = bind_progress },
};

static const struct sql_step form_citus[] = {
	SET_COORDINATOR_HOST,
	{ .name = "let the coordinator hold shards",
		.sql = "select citus_set_node_property($1, $2::int, 'shouldhaveshards', true)",
		.bind = bind_lone_host },
};

static const struct sql_step form_home[] = {
	{ .name = "remember that the cluster has been formed",
		.sql = "with granted as (delete from citus_init.wish where what = 'form without')"
		       " update citus_init.cluster set formed_at = now() where formed_at is null" },
};

static int count_chosen(const struct members *m)
{
	int chosen = 0;

	for (int i = 0; i < m->count; i++)
		chosen += m->plan.chosen[i];
	return chosen;
}

/* The next managed database, or false after the last. */
static bool next_database(struct members *m)
{
	sql_disconnect(m->work[m->database]);
	return ++m->database < MANAGED_COUNT;
}

static void run_work(
	struct members *m, const struct sql_step *steps, size_t count, sql_done_fn done)
{
	sql_run(m->work[m->database], steps, count, m, done);
}

static void on_registered(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	int chosen = count_chosen(m);

	if (!failure && next_database(m)) {
		run_work(m, registration, ARRAY_LEN(registration), on_registered);
		return;
	}
	if (failure) {
		log_error("could not register %s, will try again%s: %s", m->names,
			chosen > 1 ? " one by one" : "", failure->msg);
		/* A batch that fails says nothing about which of its nodes is at fault: those
		 * are tried alone, at once, each with a back-off of its own. */
		for (int i = 0; i < m->count; i++)
			if (m->plan.chosen[i] && chosen == 1)
				members_note_failure(m, &m->workers[i]);
		m->one_by_one = true;
		m->is_stale = chosen > 1;
	} else {
		m->view->registrations += (unsigned)chosen;
		m->one_by_one = false;
		for (int i = 0; i < m->count; i++)
			if (m->plan.chosen[i])
				members_note_success(&m->workers[i]);
	}
	members_end_round(m, NULL);
}

static void on_written(void *ctx, struct watch *watch, const struct err *failure)
{
	struct members *m = ctx;

	if (failure)
		log_warning("could not write to %s, will try again: %s", watch_name(watch),
			failure->msg);
	watch_look(watch);
	if (--m->writing == 0)
		members_end_round(m, NULL);
}

/* Writes on all chosen workers at once; the round ends with the last of them. */
static void write_on_chosen(struct members *m, void (*start)(struct members *, struct watch *))
{
	m->writing = 1;
	for (int i = 0; i < m->count; i++) {
		/* One that has begun to look meanwhile is written to in the next round. */
		if (!m->plan.chosen[i] || watch_is_busy(m->workers[i].watch))
			continue;
		m->writing++;
		start(m, m->workers[i].watch);
	}
	if (--m->writing == 0)
		members_end_round(m, NULL);
}

static void start_stamp(struct members *m, struct watch *watch)
{
	watch_stamp(watch, m->catalog.facts.id, m->catalog.names, m->incarnations, on_written);
}

static void start_admit(struct members *m, struct watch *watch)
{
	watch_admit(watch, &m->catalog.facts.own, on_written);
}

static bool remembers_enough(const struct members *m, const struct worker *w)
{
	const struct progress *told = &watch_facts(w->watch)->coordinator;
	const struct progress *own = &m->catalog.facts.own;

	return strcmp(told->system_identifier, own->system_identifier) == 0 &&
	       told->timeline == own->timeline && told->lsn + REMEMBER_BYTES >= own->lsn;
}

/* While nothing else is to be done, members hear how far the coordinator has come. */
static void tell_progress(struct members *m)
{
	int64_t now = clock_now_ms();

	for (int i = 0; i < m->count; i++) {
		struct worker *w = &m->workers[i];
		m->plan.chosen[i] = w->view->active && now - w->told_ms >= TELL_EVERY_MS &&
				    !remembers_enough(m, w);
		if (m->plan.chosen[i])
			w->told_ms = now;
	}
	write_on_chosen(m, start_admit);
}

static void start_abandon(struct members *m, struct watch *watch)
{
	log_warning("telling %s to give up cluster %s, as \"form --abandon\" wants it",
		watch_name(watch), m->catalog.abandoned);
	watch_abandon(watch, m->catalog.abandoned, on_written);
}

static void on_intended(void *ctx, const struct err *failure)
{
	if (failure)
		members_end_round(ctx, failure);
	else
		write_on_chosen(ctx, start_stamp);
}

static void on_confirmed(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	for (int i = 0; !failure && i < m->count; i++)
		if (m->plan.chosen[i])
			log_info("worker is registered node=%s host=%s group=%d",
				m->workers[i].view->name, m->workers[i].view->host,
				m->workers[i].row->entries[0].group);
	m->is_stale = true;
	members_end_round(m, failure);
}

static void on_step_done(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	m->is_stale = true;
	members_end_round(m, failure);
}

static void on_formed_in_citus(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	if (!failure && next_database(m))
		run_work(m, form_citus, ARRAY_LEN(form_citus), on_formed_in_citus);
	else if (failure)
		members_end_round(m, failure);
	else
		sql_run(m->catalog.home, form_home, ARRAY_LEN(form_home), m, on_step_done);
}

static void on_activated(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	struct worker *w = members_only_chosen(m);

	if (!failure && next_database(m)) {
		run_work(m, activation, ARRAY_LEN(activation), on_activated);
		return;
	}
	if (failure) {
		log_error("could not activate %s, will try again: %s", w->view->name, failure->msg);
		members_note_failure(m, w);
	} else {
		log_info("%s is in sync again", w->view->name);
		members_note_success(w);
		m->is_stale = true;
	}
	members_end_round(m, NULL);
}

static void on_released(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	struct worker *w = members_only_chosen(m);

	if (!failure && next_database(m)) {
		run_work(m, release, ARRAY_LEN(release), on_released);
		return;
	}
	if (!failure)
		log_warning("Citus goes on without %s: %s", w->view->name, m->plan.why);
	m->is_stale = true;
	members_end_round(m, failure);
}

void member_steps_take(struct members *m)
{
	m->database = 0;
	prepare_arrays(m, m->plan.chosen);
	if (m->plan.step != PLAN_NOTHING && m->plan.step != PLAN_WAIT)
		log_debug("membership: %s %s: %s", plan_step_name(m->plan.step), m->names,
			m->plan.why);
	switch (m->plan.step) {
	case PLAN_ABANDON: write_on_chosen(m, start_abandon); return;
	case PLAN_MINT: sql_run(m->catalog.home, mint, ARRAY_LEN(mint), m, on_step_done); return;
	case PLAN_ADMIT: write_on_chosen(m, start_admit); return;
	case PLAN_STAMP:
		sql_run(m->catalog.home, intend, ARRAY_LEN(intend), m, on_intended);
		return;
	case PLAN_REGISTER:
		run_work(m, registration, ARRAY_LEN(registration), on_registered);
		return;
	case PLAN_CONFIRM:
		sql_run(m->catalog.home, confirm, ARRAY_LEN(confirm), m, on_confirmed);
		return;
	case PLAN_FORM: run_work(m, form_citus, ARRAY_LEN(form_citus), on_formed_in_citus); return;
	case PLAN_ASSESS: member_return_assess(m); return;
	case PLAN_BRING_BACK: member_return_bring_back(m); return;
	case PLAN_ACTIVATE: run_work(m, activation, ARRAY_LEN(activation), on_activated); return;
	case PLAN_FREE: run_work(m, release, ARRAY_LEN(release), on_released); return;
	case PLAN_NOTHING:
	case PLAN_WAIT: tell_progress(m); return;
	case PLAN_STEP_COUNT: break;
	}
}

void member_steps_remember(struct members *m, sql_done_fn done)
{
	bool chosen[MEMBERS_MAX] = { false };
	bool any = false;

	for (int i = 0; i < m->count; i++) {
		const struct worker *w = &m->workers[i];
		const struct progress *known = &w->row->record.seen;
		/* Only of the directory that our memory is about. */
		chosen[i] = w->view->state == MEMBER_OURS && w->row->record.registered &&
			    strcmp(known->system_identifier, w->seen.system_identifier) == 0 &&
			    (known->timeline != w->seen.timeline ||
				    known->lsn + REMEMBER_BYTES < w->seen.lsn);
		any |= chosen[i];
	}
	if (!any) {
		done(m, NULL);
		return;
	}
	prepare_arrays(m, chosen);
	sql_run(m->catalog.home, remember, ARRAY_LEN(remember), m, done);
}
