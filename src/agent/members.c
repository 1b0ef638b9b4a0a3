#include "agent/members.h"

#include <stdlib.h>
#include <string.h>

#include "agent/catalog.h"
#include "agent/membership.h"
#include "agent/setup.h"
#include "agent/sql.h"
#include "agent/timer.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include "base/banned.h"

enum {
	/* Registration copies the schema: some milliseconds a table and node (facts of Citus). */
	REGISTER_TIMEOUT_MS = 5 * 60 * 1000,
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* A glance at the members that are well; every third time a whole look and a round. */
	CALM_MS = 15 * 1000,
	GLANCES = 3,
	/* A look at one that is not yet what it should be. */
	EAGER_MS = 5 * 1000,
};

/* A worker and all that is known of it. */
struct worker {
	struct watch *watch;
	struct member *view;
	const struct catalog_row *row;
	unsigned failures; /* registrations that failed in a row */
	int64_t retry_ms;
	int64_t due_ms;	   /* the next registration not before this, clock_now_ms() */
	bool is_asked_for; /* somebody told of it: a round follows the look, whatever it finds */
};

struct members {
	const struct identity *id;
	struct node_view *node;
	struct cluster_view *view;
	struct catalog catalog;
	struct sql *work;    /* changes in citusdb, registration above all: with patience */
	struct event *timer; /* the next round, while something is not as it should be */
	struct event *calm;
	unsigned calm_count;
	struct worker *workers;
	int count;
	members_changed_fn changed;
	void *ctx;

	bool is_running; /* a round of look, plan, step is under way */
	bool is_stale;	 /* something was seen meanwhile: another round */
	bool one_by_one; /* the last batch failed */
	int64_t retry_ms;
	struct plan plan;
	int stamping; /* stamps not ended yet */
	/* Parameters of the statement under way, as PostgreSQL arrays. */
	char *hosts, *names, *identifiers;
	char port[8];
};

static void start_round(struct members *m);
static void end_round(struct members *m, const struct err *failure);

/* {"a","b"}: names, hosts and numbers need no escaping beyond the quotes. */
static char *array_of(const struct members *m, const char *(*text)(const struct worker *))
{
	char *array = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&array, &size);
	const char *separator = "";

	fputc('{', out);
	for (int i = 0; i < m->count; i++) {
		if (!m->plan.chosen[i])
			continue;
		fprintf(out, "%s\"%s\"", separator, text(&m->workers[i]));
		separator = ",";
	}
	fputc('}', out);
	fclose(out);
	return array;
}

static const char *host_of(const struct worker *w)
{
	return w->view->host;
}

static const char *name_of(const struct worker *w)
{
	return w->view->name;
}

static const char *identifier_of(const struct worker *w)
{
	return watch_facts(w->watch)->system_identifier;
}

static void prepare_arrays(struct members *m)
{
	free(m->hosts);
	free(m->names);
	free(m->identifiers);
	m->hosts = array_of(m, host_of);
	m->names = array_of(m, name_of);
	m->identifiers = array_of(m, identifier_of);
}

static struct worker *worker_of_name(struct members *m, const char *name)
{
	for (int i = 0; i < m->count; i++)
		if (strcmp(m->workers[i].view->name, name) == 0)
			return &m->workers[i];
	return NULL;
}

/* The steps of the plan. */

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
	return 2;
}

static int bind_names(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	parameters[0] = m->names;
	return 1;
}

static int bind_own_host(void *ctx, const char *parameters[])
{
	const struct members *m = ctx;

	/* Not a true no-op when it is already so: it rewrites the row on all metadata workers,
	 * and fails when one of them is down. */
	if (strcmp(m->catalog.facts.host, m->id->host) == 0)
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

	if (m->count > 0 || m->catalog.facts.holds_shards)
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

static const struct sql_step mint[] = {
	{ .name = "make the cluster's id",
		.sql = "with made as (insert into citus_init.cluster (id)"
		       " values (gen_random_uuid()) returning id)"
		       " insert into citus_init.this_node (cluster_id, name) select id, $1 from made"
		       " on conflict (only_row) do update set cluster_id = excluded.cluster_id,"
		       " name = excluded.name, since = now()",
		.bind = bind_own_name },
};

static const struct sql_step intend[] = {
	{ .name = "write the intent to register",
		.sql = "insert into citus_init.member (name, system_identifier)"
		       " select * from unnest($1::text[], $2::text[])"
		       " on conflict (name) do update set intended_at = now(),"
		       " system_identifier = excluded.system_identifier"
		       " where member.registered_at is null",
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
	{ .name = "activate the workers",
		.sql = "select count(citus_activate_node(host, $2::int))"
		       " from unnest($1::text[]) host",
		.bind = bind_hosts },
};

static const struct sql_step confirm[] = {
	{ .name = "remember the registration",
		.sql = "update citus_init.member set registered_at = now()"
		       " where name = any ($1::text[]) and registered_at is null",
		.bind = bind_names },
};

static const struct sql_step form_citus[] = {
	SET_COORDINATOR_HOST,
	{ .name = "let the coordinator hold shards",
		.sql = "select citus_set_node_property($1, $2::int, 'shouldhaveshards', true)",
		.bind = bind_lone_host },
};

static const struct sql_step form_home[] = {
	{ .name = "remember that the cluster has been formed",
		.sql = "update citus_init.cluster set formed_at = now() where formed_at is null" },
};

static void note_failure(struct members *m, struct worker *w)
{
	w->failures++;
	w->view->failures = w->failures;
	w->retry_ms = clock_backoff_ms(w->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	w->due_ms = clock_now_ms() + clock_jitter_ms(w->retry_ms);
	watch_look_in(w->watch, w->retry_ms);
	m->view->registration_failures++;
}

static void on_registered(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	int chosen = 0;

	sql_disconnect(m->work);
	for (int i = 0; i < m->count; i++)
		chosen += m->plan.chosen[i];
	if (failure) {
		log_error("could not register %s, will try again%s: %s", m->names,
			chosen > 1 ? " one by one" : "", failure->msg);
		/* A batch that fails says nothing about which of its nodes is at fault: those
		 * are tried alone, at once, each with a back-off of its own. */
		for (int i = 0; i < m->count; i++)
			if (m->plan.chosen[i] && chosen == 1)
				note_failure(m, &m->workers[i]);
		m->one_by_one = true;
		m->is_stale = chosen > 1;
	} else {
		m->view->registrations += (unsigned)chosen;
		m->one_by_one = false;
		for (int i = 0; i < m->count; i++) {
			if (!m->plan.chosen[i])
				continue;
			m->workers[i].failures = m->workers[i].view->failures = 0;
			m->workers[i].retry_ms = 0;
			watch_look(m->workers[i].watch);
		}
	}
	end_round(m, NULL);
}

static void on_stamped(void *ctx, struct watch *watch, const struct err *failure)
{
	struct members *m = ctx;

	if (failure)
		log_warning("could not prepare %s, will try again: %s", watch_name(watch),
			failure->msg);
	watch_look(watch);
	if (--m->stamping == 0)
		end_round(m, NULL);
}

static void on_intended(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	if (failure) {
		end_round(m, failure);
		return;
	}
	m->stamping = 1;
	for (int i = 0; i < m->count; i++) {
		/* One that has begun to look meanwhile is stamped in the next round. */
		if (!m->plan.chosen[i] || watch_is_busy(m->workers[i].watch))
			continue;
		m->stamping++;
		watch_stamp(m->workers[i].watch, m->catalog.facts.id, on_stamped);
	}
	if (--m->stamping == 0)
		end_round(m, NULL);
}

static void on_confirmed(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	for (int i = 0; !failure && i < m->count; i++) {
		if (!m->plan.chosen[i])
			continue;
		log_info("worker is registered node=%s host=%s group=%d", m->workers[i].view->name,
			m->workers[i].view->host, m->workers[i].row->entry.group);
		watch_tell(m->workers[i].watch);
	}
	m->is_stale = true;
	end_round(m, failure);
}

static void on_step_done(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	m->is_stale = true;
	end_round(m, failure);
}

static void on_formed_in_citus(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	sql_disconnect(m->work);
	if (failure)
		end_round(m, failure);
	else
		sql_run(m->catalog.home, form_home, ARRAY_LEN(form_home), m, on_step_done);
}

static void take_step(struct members *m)
{
	prepare_arrays(m);
	if (m->plan.step != PLAN_NOTHING && m->plan.step != PLAN_WAIT)
		log_debug("membership: %s %s", plan_step_name(m->plan.step), m->names);
	switch (m->plan.step) {
	case PLAN_MINT: sql_run(m->catalog.home, mint, ARRAY_LEN(mint), m, on_step_done); return;
	case PLAN_STAMP:
		sql_run(m->catalog.home, intend, ARRAY_LEN(intend), m, on_intended);
		return;
	case PLAN_REGISTER:
		sql_run(m->work, registration, ARRAY_LEN(registration), m, on_registered);
		return;
	case PLAN_CONFIRM:
		sql_run(m->catalog.home, confirm, ARRAY_LEN(confirm), m, on_confirmed);
		return;
	case PLAN_FORM:
		sql_run(m->work, form_citus, ARRAY_LEN(form_citus), m, on_formed_in_citus);
		return;
	case PLAN_NOTHING:
	case PLAN_WAIT:
	case PLAN_STEP_COUNT: break;
	}
	end_round(m, NULL);
}

/* From what was looked up to the view; a change of state is logged once, like an event. */
static void classify(struct members *m, struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);
	enum member_state before = w->view->state;
	char reason[sizeof(w->view->reason)];

	enum member_state state = member_classify(w->view->name, facts, &w->row->record,
		&w->row->entry, &m->catalog.facts, reason, sizeof(reason));
	w->view->state = state;
	w->view->reachable = facts->look == LOOK_ANSWERED || facts->look == LOOK_NOT_SET_UP;
	w->view->registered =
		w->row->entry.present && w->row->entry.active && w->row->record.registered;
	w->view->group = w->row->entry.present ? w->row->entry.group : -1;
	w->view->shards = w->row->entry.shards;
	if (facts->look == LOOK_ANSWERED) {
		snprintf(w->view->version, sizeof(w->view->version), "%d.%d",
			facts->fitness.server_version / 10000,
			facts->fitness.server_version % 10000);
		snprintf(w->view->citus, sizeof(w->view->citus), "%s", facts->fitness.citus);
	}
	/* One that is away gives a new reason at every try; that it is away is the news. */
	if (state != before ||
		(state != MEMBER_UNREACHABLE && strcmp(reason, w->view->reason) != 0)) {
		bool bad = state == MEMBER_FOREIGN || state == MEMBER_UNFIT ||
			   (w->row->record.registered && state != MEMBER_OURS);
		log_emit(bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s is %s%s%s host=%s",
			w->view->name, member_state_name(state), reason[0] ? ": " : "", reason,
			w->view->host);
	}
	memcpy(w->view->reason, reason, sizeof(reason));
}

static void publish(struct members *m)
{
	struct member *own = &m->view->members[0];
	bool was_formed = m->view->formed;

	memcpy(m->view->id, m->catalog.facts.id, sizeof(m->view->id));
	m->view->formed = m->catalog.facts.formed;
	m->view->looked_ms = clock_now_ms();
	m->view->looks++;
	own->state = m->catalog.facts.id[0] ? MEMBER_OURS : MEMBER_NEW;
	own->reachable = true;
	own->registered = m->catalog.own.present && strcmp(m->catalog.facts.host, own->host) == 0;
	own->group = m->catalog.own.group;
	own->shards = m->catalog.own.shards;
	own->last_seen_ms = m->view->looked_ms;
	memcpy(own->version, m->node->version, sizeof(own->version));
	memcpy(own->citus, m->node->citus, sizeof(own->citus));
	if (strcmp(m->view->waiting_for, m->plan.waiting_for) != 0) {
		memcpy(m->view->waiting_for, m->plan.waiting_for, sizeof(m->view->waiting_for));
		if (m->plan.step == PLAN_WAIT)
			log_info("waiting for %s", m->plan.waiting_for);
	}
	if (m->view->formed && !was_formed)
		log_info("the cluster is formed cluster=%s nodes=%d", m->catalog.facts.id,
			m->id->size);
	if (m->view->formed != was_formed)
		m->changed(m->ctx);
}

static void on_looked_at_catalog(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	struct plan_member seen[MEMBERS_MAX];

	if (failure) {
		end_round(m, failure);
		return;
	}
	int64_t now = clock_now_ms();
	for (int i = 0; i < m->count; i++) {
		struct worker *w = &m->workers[i];
		classify(m, w);
		seen[i] = (struct plan_member){ .name = w->view->name,
			.state = w->view->state,
			.recorded = w->row->record.registered,
			.due = now >= w->due_ms && !watch_is_busy(w->watch),
			.failures = w->failures };
	}
	membership_plan(&m->catalog.facts, seen, m->count, m->one_by_one, &m->plan);
	publish(m);
	m->retry_ms = 0;
	take_step(m);
}

static void start_round(struct members *m)
{
	if (m->is_running) {
		m->is_stale = true;
		return;
	}
	m->is_running = true;
	m->is_stale = false;
	evtimer_del(m->timer);
	catalog_look(&m->catalog, on_looked_at_catalog, m);
}

static void end_round(struct members *m, const struct err *failure)
{
	int64_t delay_ms = CALM_MS;

	m->is_running = false;
	if (failure) {
		/* The first failure of a row is told, the rest are the same news. */
		if (m->retry_ms == 0)
			log_warning("membership: %s, will try again", failure->msg);
		m->retry_ms = clock_backoff_ms(m->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
		delay_ms = m->retry_ms;
	} else if (m->is_stale) {
		start_round(m);
		return;
	}
	if (failure || m->plan.step != PLAN_NOTHING)
		timer_set(m->timer, clock_jitter_ms(delay_ms));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_round(arg);
}

/*
 * All at once, so that an idle cluster wakes this process seldom: the answers come together. One
 * that is not well has its own timer.
 */
static void on_calm(evutil_socket_t fd, short what, void *arg)
{
	struct members *m = arg;
	bool whole = ++m->calm_count % GLANCES == 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < m->count; i++) {
		if (m->workers[i].view->state != MEMBER_OURS)
			continue;
		if (whole)
			watch_look(m->workers[i].watch);
		else
			watch_glance(m->workers[i].watch);
	}
	if (whole)
		start_round(m);
}

static void on_looked(void *ctx, struct watch *watch, enum watch_outcome outcome)
{
	struct members *m = ctx;
	struct worker *w = worker_of_name(m, watch_name(watch));
	bool answered = watch_facts(watch)->look == LOOK_ANSWERED;

	if (answered)
		w->view->last_seen_ms = clock_now_ms();
	if (outcome == WATCH_SAME && w->view->state == MEMBER_OURS && !w->is_asked_for)
		return;
	w->is_asked_for = false;
	if (answered)
		watch_look_in(watch, EAGER_MS);
	start_round(m);
}

static void fill_member(struct member *member, const struct identity *id, int ordinal)
{
	_free_ char *name = identity_name_of(id, ordinal);
	_free_ char *host = identity_host_of(id, ordinal);

	member->ordinal = ordinal;
	member->group = -1;
	snprintf(member->name, sizeof(member->name), "%s", name);
	snprintf(member->host, sizeof(member->host), "%s", host);
}

struct members *members_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, members_changed_fn changed, void *ctx)
{
	const struct identity *id = view->identity;
	struct members *m = xcalloc(1, sizeof(*m));

	m->id = id;
	m->node = view;
	m->changed = changed;
	m->ctx = ctx;
	m->count = id->size - 1;
	snprintf(m->port, sizeof(m->port), "%d", id->port);
	m->view = xcalloc(1, sizeof(*m->view));
	m->view->count = id->size;
	/* What the set-up has read already; the rest is known after the first round. */
	memcpy(m->view->id, view->cluster_id, sizeof(m->view->id));
	m->view->formed = view->member;
	m->view->members = xcalloc((size_t)id->size, sizeof(*m->view->members));
	m->workers = xcalloc((size_t)m->count, sizeof(*m->workers));
	view->cluster = m->view;
	m->timer = evtimer_new(loop, on_timer, m);
	m->calm = event_new(loop, -1, EV_PERSIST, on_calm, m);
	timer_set(m->calm, CALM_MS);
	catalog_init(&m->catalog, loop, id, socket_directory);
	m->work = sql_open_local(
		loop, socket_directory, id->port, SETUP_DATABASE, REGISTER_TIMEOUT_MS);
	fill_member(&m->view->members[0], id, 0);
	for (int i = 0; i < m->count; i++) {
		struct worker *w = &m->workers[i];
		w->view = &m->view->members[i + 1];
		w->row = &m->catalog.rows[i];
		fill_member(w->view, id, i + 1);
		w->watch = watch_open(loop, settings, id, i + 1, on_looked, m);
	}
	for (int i = 0; i < m->count; i++)
		watch_look(m->workers[i].watch);
	start_round(m);
	return m;
}

void members_close(struct members *m)
{
	for (int i = 0; i < m->count; i++)
		watch_close(m->workers[i].watch);
	catalog_fini(&m->catalog);
	sql_close(m->work);
	event_free(m->timer);
	event_free(m->calm);
	m->node->cluster = NULL;
	free(m->view->members);
	free(m->view);
	free(m->workers);
	free(m->hosts);
	free(m->names);
	free(m->identifiers);
	free(m);
}

void members_wake(struct members *m, const char *name)
{
	struct worker *w = name ? worker_of_name(m, name) : NULL;

	for (int i = 0; i < m->count; i++) {
		if (w && w != &m->workers[i])
			continue;
		m->workers[i].is_asked_for = true;
		watch_look(m->workers[i].watch);
	}
	if (m->count == 0)
		start_round(m);
}
