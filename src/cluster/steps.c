#include "cluster/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/adopt.h"
#include "cluster/return.h"
#include "statements.h"

#include "base/banned.h"

enum {
	/* Registration copies the schema: some milliseconds a table and node. */
	WORK_TIMEOUT_MS = 5 * 60 * 1000,
	/* A busy member's epoch ends with the next glance, which is less often than this. */
	EPOCH_LEAST_MS = 10 * 1000,
};

struct steps {
	struct cluster *cluster;
	struct sql *work[MANAGED_COUNT]; /* changes: registration above all; with patience */
	struct returning *returning;
	struct adopting *adopting;

	/* The step under way. */
	const struct plan *plan;
	step_ended_fn ended;
	void *ctx;
	int writing;			  /* writes on workers not ended yet */
	void (*written)(struct steps *s); /* called when they have ended */
	int database;
	bool beginning[MEMBERS_MAX]; /* an epoch */
	char *hosts, *names, *joining, *identifiers, *empties, *incarnations, *epochs, *starts;
	char port[8];
};

static void add_identifier(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", watch_facts(w->watch)->system_identifier);
}

static void add_epoch(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", watch_facts(w->watch)->epoch.id);
}

static void add_start(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", watch_facts(w->watch)->server_start);
}

static void add_is_empty(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", w->view->state == MEMBER_EMPTY ? "t" : "f");
}

static void prepare_arrays(struct steps *s, const bool chosen[])
{
	const struct cluster *c = s->cluster;
	bool joining[MEMBERS_MAX] = { false };

	for (int i = 0; i < c->count; i++)
		joining[i] = chosen[i] && (c->workers[i].view->state == MEMBER_NEW ||
						  c->workers[i].view->state == MEMBER_JOINING);
	mem_replace(&s->joining, cluster_array_of(c, joining, cluster_add_name));
	mem_replace(&s->hosts, cluster_array_of(c, chosen, cluster_add_host));
	mem_replace(&s->names, cluster_array_of(c, chosen, cluster_add_name));
	mem_replace(&s->identifiers, cluster_array_of(c, chosen, add_identifier));
	mem_replace(&s->empties, cluster_array_of(c, chosen, add_is_empty));
	mem_replace(&s->starts, cluster_array_of(c, chosen, add_start));
	mem_replace(&s->epochs, cluster_array_of(c, chosen, add_epoch));
	mem_replace(&s->incarnations, catalog_incarnations(&c->catalog));
}

static int bind_self(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->cluster->id->name;
	parameters[1] = s->cluster->id->host;
	parameters[2] = s->port;
	return 3;
}

static int bind_intent(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->names;
	parameters[1] = s->identifiers;
	parameters[2] = s->empties;
	parameters[3] = s->starts;
	return 4;
}

static int bind_starts(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->names;
	parameters[1] = s->starts;
	return 2;
}

static int bind_abandoned(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->names;
	parameters[1] = s->cluster->catalog.abandoned;
	return 2;
}

/* Of those that are to be registered; an empty member, and one that lacks a mark, stay known. */
static int bind_removed(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->joining;
	parameters[1] = s->identifiers;
	return 2;
}

static int bind_registered(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->names;
	parameters[1] = s->hosts;
	parameters[2] = s->cluster->id->host;
	parameters[3] = s->port;
	return 4;
}

static int bind_epochs(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->names;
	parameters[1] = s->epochs;
	return 2;
}

static int on_noted(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct steps *s = ctx;
	struct worker *w = cluster_worker_of_name(s->cluster, sql_field(result, row, 0));

	(void)e;
	if (!w)
		return 0;
	w->next_epoch.number = sql_number(result, row, 1, 0);
	sql_copy_field(w->next_epoch.id, sizeof(w->next_epoch.id), result, row, 2);
	return 0;
}

static int bind_own_host(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	/* Skipped when it is so already: the call would still rewrite the row on every member with
	 * metadata, and fail when one of them is down. */
	if (address_is(&s->cluster->catalog.facts.databases[s->database].address,
		    s->cluster->id->host, s->cluster->id->port))
		return SQL_SKIP;
	parameters[0] = s->cluster->id->host;
	parameters[1] = s->port;
	return 2;
}

static int bind_hosts(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	parameters[0] = s->hosts;
	parameters[1] = s->port;
	return 2;
}

/* A cluster of one: the coordinator holds the shards itself. */
static int bind_lone_host(void *ctx, const char *parameters[])
{
	const struct steps *s = ctx;

	if (s->cluster->count > 0 || s->cluster->catalog.facts.databases[s->database].holds_shards)
		return SQL_SKIP;
	parameters[0] = s->cluster->id->host;
	parameters[1] = s->port;
	return 2;
}

static const struct sql_step mint[] = {
	{ .name = "make the cluster's id", .sql = sql_cluster_mint, .bind = bind_self },
};

static const struct sql_step intend[] = {
	{ .name = "forget who was removed",
		.sql = sql_cluster_forget_removed,
		.bind = bind_removed },
	{ .name = "write the intent to register", .sql = sql_cluster_intend, .bind = bind_intent },
};

static const struct sql_step recognise[] = {
	{ .name = "remember who has been recognised",
		.sql = sql_cluster_recognise,
		.bind = bind_starts },
};

static const struct sql_step abandon[] = {
	{ .name = "write who is to abandon the cluster",
		.sql = sql_cluster_abandon,
		.bind = bind_abandoned },
};

static const struct sql_step registration[] = {
	{ .name = "set the coordinator's host",
		.sql = sql_cluster_set_coordinator_host,
		.bind = bind_own_host },
	{ .name = "add the workers to pg_dist_node",
		.sql = sql_cluster_add_workers,
		.bind = bind_hosts },
	{ .name = "activate the workers", .sql = sql_cluster_activate_workers, .bind = bind_hosts },
};

static const struct sql_step activation[] = {
	{ .name = "activate the workers", .sql = sql_cluster_activate_workers, .bind = bind_hosts },
};

static const struct sql_step release[] = {
	{ .name = "let changes go on without the dead member",
		.sql = sql_cluster_release_workers,
		.bind = bind_hosts },
};

static const struct sql_step confirm[] = {
	{ .name = "remember the registration",
		.sql = sql_cluster_confirm,
		.bind = bind_registered },
};

static const struct sql_step note_epochs[] = {
	{ .name = "note the members' next epochs",
		.sql = sql_cluster_note_epochs,
		.bind = bind_epochs,
		.on_row = on_noted },
};

static const struct sql_step confirm_epochs[] = {
	{ .name = "confirm the members' epochs",
		.sql = sql_cluster_confirm_epochs,
		.bind = bind_epochs },
};

static const struct sql_step form_citus[] = {
	{ .name = "set the coordinator's host",
		.sql = sql_cluster_set_coordinator_host,
		.bind = bind_own_host },
	{ .name = "let the coordinator hold shards",
		.sql = sql_cluster_hold_shards,
		.bind = bind_lone_host },
};

static const struct sql_step form_home[] = {
	{ .name = "remember that the cluster has been formed", .sql = sql_cluster_form },
};

static int count_chosen(const struct steps *s)
{
	int chosen = 0;

	for (int i = 0; i < s->cluster->count; i++)
		chosen += s->plan->chosen[i];
	return chosen;
}

/* The worker of a step that is for one only. */
static struct worker *only_chosen(struct steps *s)
{
	int i = 0;

	while (!s->plan->chosen[i])
		i++;
	return &s->cluster->workers[i];
}

static void end(
	struct steps *s, enum step_outcome outcome, struct worker *w, const struct err *failure)
{
	const struct step_report report = { outcome, w, failure };

	s->ended(s->ctx, &report);
}

/* A step that is about no worker in particular. */
static void on_step_done(void *ctx, const struct err *failure)
{
	end(ctx, failure ? STEP_FAILED : STEP_DONE, NULL, failure);
}

/* The next managed database, or false after the last. */
static bool next_database(struct steps *s)
{
	sql_rest(s->work[s->database]);
	return ++s->database < MANAGED_COUNT;
}

static void run_work(struct steps *s, const struct sql_step *steps, size_t count, sql_done_fn done)
{
	sql_run(s->work[s->database], steps, count, s, done);
}

static void on_registered(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;
	bool is_batch = count_chosen(s) > 1;

	if (!failure && next_database(s)) {
		run_work(s, registration, ARRAY_LEN(registration), on_registered);
		return;
	}
	if (!failure) {
		end(s, STEP_REGISTERED, NULL, NULL);
		return;
	}
	log_error("could not register %s, will try again%s: %s", s->cluster->view->chosen,
		is_batch ? " one by one" : "", failure->msg);
	end(s, is_batch ? STEP_BATCH_FAILED : STEP_FAILED, is_batch ? NULL : only_chosen(s),
		failure);
}

static void end_written(struct steps *s)
{
	end(s, STEP_WRITTEN, NULL, NULL);
}

static void end_write(struct steps *s)
{
	if (--s->writing == 0)
		s->written(s);
}

static void on_written(void *ctx, struct watch *watch, const struct err *failure)
{
	if (failure)
		log_warning("could not write to %s, will try again: %s", watch_name(watch),
			failure->msg);
	watch_look(watch);
	end_write(ctx);
}

/* Writes on all chosen workers at once; written is called after the last of them. */
static void write_on(struct steps *s, const bool chosen[],
	void (*start)(struct steps *, struct watch *), void (*written)(struct steps *))
{
	s->writing = 1;
	s->written = written;
	for (int i = 0; i < s->cluster->count; i++) {
		struct watch *watch = s->cluster->workers[i].watch;
		/* A worker that is being looked at just now is written to in the next round. */
		if (!chosen[i] || watch_is_busy(watch))
			continue;
		s->writing++;
		start(s, watch);
	}
	end_write(s);
}

static void start_stamp(struct steps *s, struct watch *watch)
{
	const struct catalog *catalog = &s->cluster->catalog;

	watch_stamp(watch, catalog->facts.id, catalog->names, s->incarnations, on_written, s);
}

static void start_shut(struct steps *s, struct watch *watch)
{
	const struct worker *w = &s->cluster->workers[watch_ordinal(watch) - 1];
	const char *state = member_state_name(w->view->state);

	log_warning("telling %s to serve nobody, because it is %s", w->view->name, state);
	watch_shut(watch, state, on_written, s);
}

static void run_home(struct steps *s, const struct sql_step *steps, size_t count, sql_done_fn done)
{
	sql_run(s->cluster->catalog.home, steps, count, s, done);
}

static void start_tell(struct steps *s, struct watch *watch)
{
	watch_tell(watch, on_written, s);
}

/* What is written for the chosen workers stands here: they are told to read it. */
static void tell_chosen(struct steps *s, const struct err *failure)
{
	if (failure)
		end(s, STEP_FAILED, NULL, failure);
	else
		write_on(s, s->plan->chosen, start_tell, end_written);
}

static void on_to_abandon(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	for (int i = 0; !failure && i < s->cluster->count; i++)
		if (s->plan->chosen[i])
			log_warning("telling %s to abandon cluster %s, as \"form --abandon\" asks",
				s->cluster->workers[i].view->name, s->cluster->catalog.abandoned);
	tell_chosen(s, failure);
}

static void on_recognised(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	if (!failure)
		cluster_note_recognised(s->cluster, s->plan->chosen);
	tell_chosen(s, failure);
}

static void on_epochs_confirmed(void *ctx, const struct err *failure)
{
	end(ctx, failure ? STEP_FAILED : STEP_WRITTEN, NULL, failure);
}

static void confirm_begun(struct steps *s)
{
	bool begun[MEMBERS_MAX] = { false };
	bool any = false;

	for (int i = 0; i < s->cluster->count; i++)
		any |= begun[i] = s->cluster->workers[i].has_begun;
	if (!any) {
		end_written(s);
		return;
	}
	prepare_arrays(s, begun);
	run_home(s, confirm_epochs, ARRAY_LEN(confirm_epochs), on_epochs_confirmed);
}

/* A look tells what has come of an admission; another epoch of one that serves is no news. */
static void on_epoch_written(void *ctx, struct watch *watch, const struct err *failure)
{
	struct steps *s = ctx;
	struct worker *w = &s->cluster->workers[watch_ordinal(watch) - 1];

	w->has_begun = !failure;
	w->epoch_ms = clock_now_ms();
	if (failure)
		log_warning("could not begin epoch %lld on %s, will try again: %s",
			(long long)w->next_epoch.number, watch_name(watch), failure->msg);
	if (failure || !w->view->active)
		watch_look(watch);
	end_write(s);
}

static void start_epoch(struct steps *s, struct watch *watch)
{
	const struct worker *w = &s->cluster->workers[watch_ordinal(watch) - 1];

	watch_admit(watch, &w->next_epoch, on_epoch_written, s);
}

static void on_epochs_noted(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	if (failure)
		end(s, STEP_FAILED, NULL, failure);
	else
		write_on(s, s->beginning, start_epoch, confirm_begun);
}

/* Noted here, begun there, confirmed here: killed in between, both the old and the noted one are
 * the member's. */
static void begin_epochs(struct steps *s, const bool chosen[])
{
	memcpy(s->beginning, chosen, sizeof(s->beginning));
	for (int i = 0; i < s->cluster->count; i++)
		s->cluster->workers[i].has_begun = false;
	prepare_arrays(s, chosen);
	run_home(s, note_epochs, ARRAY_LEN(note_epochs), on_epochs_noted);
}

/* While nothing else is to be done: the members that have written since their epoch began, or all
 * of them when the coordinator has. An idle cluster writes nothing. */
static void renew_epochs(struct steps *s)
{
	bool chosen[MEMBERS_MAX] = { false };
	int64_t now = clock_now_ms();
	bool any = false;

	for (int i = 0; i < s->cluster->count; i++) {
		const struct worker *w = &s->cluster->workers[i];
		chosen[i] = w->view->active && !watch_is_busy(w->watch) &&
			    now - w->epoch_ms >= EPOCH_LEAST_MS &&
			    !(s->cluster->catalog.facts.settled && watch_facts(w->watch)->settled);
		any |= chosen[i];
	}
	if (any)
		begin_epochs(s, chosen);
	else
		end_written(s);
}

static void on_intended(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	if (failure) {
		end(s, STEP_FAILED, NULL, failure);
		return;
	}
	/* The look that follows the writing goes by it. */
	cluster_note_recognised(s->cluster, s->plan->chosen);
	write_on(s, s->plan->chosen, start_stamp, end_written);
}

static void on_confirmed(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	for (int i = 0; !failure && i < s->cluster->count; i++) {
		const struct worker *w = &s->cluster->workers[i];
		if (s->plan->chosen[i] && !w->row->record.registered)
			log_info("worker is registered node=%s host=%s group=%d", w->view->name,
				w->view->host, w->row->entries[0].group);
	}
	on_step_done(s, failure);
}

static void on_formed_in_citus(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	if (!failure && next_database(s))
		run_work(s, form_citus, ARRAY_LEN(form_citus), on_formed_in_citus);
	else if (failure)
		end(s, STEP_FAILED, NULL, failure);
	else
		sql_run(s->cluster->catalog.home, form_home, ARRAY_LEN(form_home), s, on_step_done);
}

static void on_activated(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;
	struct worker *w = only_chosen(s);

	if (!failure && next_database(s)) {
		run_work(s, activation, ARRAY_LEN(activation), on_activated);
		return;
	}
	if (failure)
		log_error("could not activate %s, will try again: %s", w->view->name, failure->msg);
	else
		log_info("%s is in sync again", w->view->name);
	end(s, failure ? STEP_FAILED : STEP_DONE, w, failure);
}

static void on_released(void *ctx, const struct err *failure)
{
	struct steps *s = ctx;

	if (!failure && next_database(s)) {
		run_work(s, release, ARRAY_LEN(release), on_released);
		return;
	}
	if (!failure)
		log_warning(
			"Citus goes on without %s: %s", only_chosen(s)->view->name, s->plan->why);
	on_step_done(s, failure);
}

void steps_take(struct steps *s, const struct plan *plan, step_ended_fn ended, void *ctx)
{
	s->plan = plan;
	s->ended = ended;
	s->ctx = ctx;
	s->database = 0;
	prepare_arrays(s, plan->chosen);
	if (plan->step != PLAN_NOTHING && plan->step != PLAN_WAIT)
		log_debug("membership: %s %s: %s", plan_step_name(plan->step), s->names, plan->why);
	switch (plan->step) {
	case PLAN_ABANDON: run_home(s, abandon, ARRAY_LEN(abandon), on_to_abandon); return;
	case PLAN_RECOGNISE: run_home(s, recognise, ARRAY_LEN(recognise), on_recognised); return;
	case PLAN_MINT: run_home(s, mint, ARRAY_LEN(mint), on_step_done); return;
	case PLAN_ADMIT: begin_epochs(s, plan->chosen); return;
	case PLAN_SHUT: write_on(s, plan->chosen, start_shut, end_written); return;
	case PLAN_STAMP: run_home(s, intend, ARRAY_LEN(intend), on_intended); return;
	case PLAN_REGISTER:
		run_work(s, registration, ARRAY_LEN(registration), on_registered);
		return;
	case PLAN_CONFIRM: run_home(s, confirm, ARRAY_LEN(confirm), on_confirmed); return;
	case PLAN_FORM: run_work(s, form_citus, ARRAY_LEN(form_citus), on_formed_in_citus); return;
	case PLAN_ASSESS: return_assess(s->returning, only_chosen(s), ended, ctx); return;
	case PLAN_BRING_BACK:
		return_bring_back(s->returning, only_chosen(s), plan->why, ended, ctx);
		return;
	case PLAN_ACTIVATE: run_work(s, activation, ARRAY_LEN(activation), on_activated); return;
	case PLAN_ADOPT: adopt_take(s->adopting, ended, ctx); return;
	case PLAN_FREE: run_work(s, release, ARRAY_LEN(release), on_released); return;
	case PLAN_NOTHING:
	case PLAN_WAIT: renew_epochs(s); return;
	case PLAN_STEP_COUNT: break;
	}
}

struct steps *steps_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory)
{
	struct steps *s = xcalloc(1, sizeof(*s));

	s->cluster = cluster;
	snprintf(s->port, sizeof(s->port), "%d", cluster->id->port);
	for (int i = 0; i < MANAGED_COUNT; i++)
		s->work[i] = sql_open_local(loop, socket_directory, cluster->id->port,
			managed_databases[i], WORK_TIMEOUT_MS);
	s->returning = return_open(loop, cluster, socket_directory);
	s->adopting = adopt_open(loop, cluster, socket_directory);
	return s;
}

void steps_close(struct steps *s)
{
	char *const arrays[] = { s->hosts, s->names, s->joining, s->identifiers, s->empties,
		s->incarnations, s->epochs, s->starts };

	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(s->work[i]);
	return_close(s->returning);
	adopt_close(s->adopting);
	for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
		free(arrays[i]);
	free(s);
}
