#include "cluster/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/timer.h"
#include "cluster/overrides.h"
#include "node/databases.h"
#include "node/fixed_roles.h"
#include "sql/recogniser.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

enum { CONNECT_TIMEOUT_MS = 3000, STATEMENT_TIMEOUT_MS = 3000 };

enum { RETRY_FIRST_MS = 200, RETRY_MOST_MS = 10 * 1000 };

struct watch {
	int ordinal;
	char *name;
	char *host;
	/* As the role that recognises; kept open: its loss tells that the worker went away. */
	struct sql *home;
	struct sql *work;		      /* as postgres, for writes */
	struct sql *databases[MANAGED_COUNT]; /* connected for a look only */
	int looked_at;			      /* the database under look */
	char *setting_names;
	struct event *timer;
	int64_t retry_ms;
	struct member_facts facts;   /* of the last whole look */
	struct member_facts looking; /* being filled */
	bool has_table;		     /* citus_init.this_node is there */
	bool is_looking;
	bool is_same; /* the glance found who was there before */
	/* What is being written. */
	const char *cluster_id, *names, *incarnations, *state;
	struct epoch epoch;
	char epoch_number[24];
	bool is_begun; /* the epoch was written */
	watch_written_fn written;
	void *written_ctx;
	struct watcher watcher;
};

void watch_read_fitness(struct fitness *to, const PGresult *result, int row)
{
	to->server_version = (int)sql_number(result, row, 0, 0);
	sql_copy_field(to->citus, sizeof(to->citus), result, row, 1);
	sql_copy_field(to->encoding, sizeof(to->encoding), result, row, 2);
	sql_copy_field(to->provider, sizeof(to->provider), result, row, 3);
	sql_copy_field(to->collation, sizeof(to->collation), result, row, 4);
	sql_copy_field(to->locale, sizeof(to->locale), result, row, 5);
	sql_copy_field(to->rules, sizeof(to->rules), result, row, 6);
	sql_copy_field(to->collation_version, sizeof(to->collation_version), result, row, 7);
	sql_copy_field(to->icu_version, sizeof(to->icu_version), result, row, 8);
	sql_copy_field(to->libc_version, sizeof(to->libc_version), result, row, 9);
}

void watch_add_outdated(struct outdated_view *to, const PGresult *result, int row)
{
	const char *text = sql_field(result, row, 0);
	size_t used = strlen(to->list);

	to->count++;
	if (to->listed < to->count - 1 || used + strlen(", ") + strlen(text) >= sizeof(to->list))
		return;
	snprintf(to->list + used, sizeof(to->list) - used, "%s%s", used ? ", " : "", text);
	to->listed++;
}

static int on_identifier(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	sql_copy_field(
		w->looking.system_identifier, sizeof(w->looking.system_identifier), result, row, 0);
	sql_copy_field(w->looking.server_start, sizeof(w->looking.server_start), result, row, 1);
	return 0;
}

static int on_table(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	w->has_table = sql_field(result, row, 0) != NULL;
	return 0;
}

static int if_has_table(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	(void)parameters;
	return w->has_table ? 0 : SQL_SKIP;
}

static int on_this_node(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	sql_copy_field(w->looking.cluster_id, sizeof(w->looking.cluster_id), result, row, 0);
	sql_copy_field(w->looking.name, sizeof(w->looking.name), result, row, 1);
	w->looking.admitted = strcmp(sql_field(result, row, 2), "t") == 0;
	w->looking.epoch.number = sql_number(result, row, 3, 0);
	sql_copy_field(w->looking.epoch.id, sizeof(w->looking.epoch.id), result, row, 4);
	w->looking.settled = strcmp(sql_field(result, row, 5), "t") == 0;
	sql_copy_field(w->looking.shut, sizeof(w->looking.shut), result, row, 6);
	return 0;
}

static int on_outdated(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	watch_add_outdated(&w->looking.outdated, result, row);
	return 0;
}

static int on_incarnation(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (strcmp(sql_field(result, row, 0), managed_databases[i]) == 0)
			sql_copy_field(w->looking.databases[i].incarnation,
				sizeof(w->looking.databases[i].incarnation), result, row, 1);
	return 0;
}

static int on_metadata(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;
	struct database_facts *facts = &w->looking.databases[w->looked_at];

	(void)e;
	facts->group = (int)sql_number(result, row, 0, -1);
	facts->nodes = sql_number(result, row, 1, -1);
	facts->tables = sql_number(result, row, 2, -1);
	facts->shards = sql_number(result, row, 3, -1);
	return 0;
}

static int on_fitness(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	watch_read_fitness(&w->looking.databases[w->looked_at].fitness, result, row);
	return 0;
}

static int bind_setting_names(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	parameters[0] = w->setting_names;
	return 1;
}

static int on_setting(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)e;
	overrides_add(&w->looking.overridden, result, row);
	return 0;
}

static int on_glance(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;
	const struct member_facts *known = &w->facts, *now = &w->looking;

	on_this_node(ctx, result, row, e);
	w->is_same = strcmp(now->system_identifier, known->system_identifier) == 0 &&
		     strcmp(now->cluster_id, known->cluster_id) == 0 &&
		     strcmp(now->name, known->name) == 0 &&
		     strcmp(now->epoch.id, known->epoch.id) == 0;
	if (w->is_same)
		w->facts.settled = now->settled;
	return 0;
}

static int bind_identity(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	parameters[0] = w->cluster_id;
	parameters[1] = w->name;
	return 2;
}

static int bind_incarnations(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	parameters[0] = w->names;
	parameters[1] = w->incarnations;
	return 2;
}

static int bind_epoch(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	parameters[0] = w->facts.epoch.id;
	parameters[1] = w->epoch_number;
	parameters[2] = w->epoch.id;
	return 3;
}

static int on_begun(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct watch *w = ctx;

	(void)result;
	(void)row;
	(void)e;
	w->is_begun = true;
	return 0;
}

static int bind_state(void *ctx, const char *parameters[])
{
	const struct watch *w = ctx;

	parameters[0] = w->state;
	return 1;
}

static const struct sql_step look_home[] = {
	{ .name = "ask the server who it is",
		.sql = sql_cluster_read_identifier,
		.on_row = on_identifier },
	{ .name = "ask the server whether it has been set up",
		.sql = "select to_regclass('citus_init.this_node')",
		.on_row = on_table },
	{ .name = "ask the node for its cluster",
		.sql = sql_cluster_read_this_node,
		.bind = if_has_table,
		.on_row = on_this_node },
	{ .name = "ask the node for its databases",
		.sql = sql_cluster_read_incarnations,
		.bind = if_has_table,
		.on_row = on_incarnation },
	{ .name = "ask the server for databases of another collation version",
		.sql = sql_cluster_read_outdated_databases,
		.on_row = on_outdated },
};

static const struct sql_step look_citus[] = {
	{ .name = "ask the node for its metadata",
		.sql = sql_cluster_read_metadata,
		.on_row = on_metadata },
	{ .name = "ask the node for its versions",
		.sql = sql_cluster_read_fitness,
		.on_row = on_fitness },
	{ .name = "ask the node for collations of another version",
		.sql = sql_cluster_read_outdated_collations,
		.on_row = on_outdated },
	{ .name = "ask the server for the settings that the cluster relies on",
		.sql = sql_cluster_read_server_settings,
		.bind = bind_setting_names,
		.on_row = on_setting },
};

static const struct sql_step glance[] = {
	{ .name = "ask the server who it is",
		.sql = sql_cluster_read_identifier,
		.on_row = on_identifier },
	{ .name = "ask the node who it is",
		.sql = sql_cluster_read_this_node,
		.on_row = on_glance },
};

static const struct sql_step stamp[] = {
	{ .name = "write the cluster's id on the node",
		.sql = sql_cluster_stamp_node,
		.bind = bind_identity },
	{ .name = "write the databases' incarnations on the node",
		.sql = sql_cluster_stamp_databases,
		.bind = bind_incarnations },
};

static const struct sql_step admit[] = {
	{ .name = "tell the node that it may serve",
		.sql = sql_cluster_admit,
		.bind = bind_epoch,
		.on_row = on_begun },
};

static const struct sql_step shut[] = {
	{ .name = "tell the node to serve nobody", .sql = sql_cluster_shut, .bind = bind_state },
	{ .name = "tell the node", .sql = "select pg_notify('citus_init', 'coordinator')" },
};

static const struct sql_step tell[] = {
	{ .name = "tell the node", .sql = "select pg_notify('citus_init', 'coordinator')" },
};

/* What a failed look means. Codes: PostgreSQL's appendix A; class 28 is a refused log-in. */
static enum look_result look_of(const struct err *failure)
{
	if (strncmp(failure->sqlstate, "28", 2) == 0)
		return LOOK_REFUSED;
	/* No database or no catalog yet: its agent is still busy with the local set-up. */
	if (strcmp(failure->sqlstate, "3D000") == 0 || strcmp(failure->sqlstate, "42P01") == 0)
		return LOOK_NOT_SET_UP;
	if (failure->kind == ERR_TIMEOUT || strcmp(failure->sqlstate, "57014") == 0)
		return LOOK_HANGING;
	return LOOK_SILENT;
}

static void end_look(struct watch *w, const struct err *failure, enum watch_outcome outcome)
{
	w->is_looking = false;
	if (failure) {
		w->facts.look = look_of(failure);
		/* 28000: pg_hba.conf has no line for us, as in phase LOCAL. */
		if (strcmp(failure->sqlstate, "28000") == 0)
			snprintf(w->facts.problem, sizeof(w->facts.problem),
				"its pg_hba.conf does not admit the coordinator: its local "
				"set-up has not finished, or it is not a node of citus-init");
		else
			snprintf(w->facts.problem, sizeof(w->facts.problem), "%.*s",
				(int)sizeof(w->facts.problem) - 1, failure->msg);
		w->retry_ms = clock_backoff_ms(w->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
		watch_look_in(w, w->retry_ms);
	} else {
		w->retry_ms = 0;
	}
	w->watcher.looked(w->watcher.ctx, w, outcome);
}

/* That something is written on the server is none. */
static bool is_news(const struct watch *w)
{
	struct member_facts before;

	memcpy(&before, &w->facts, sizeof(before));
	before.settled = w->looking.settled;
	return memcmp(&before, &w->looking, sizeof(before)) != 0;
}

static void finish_look(struct watch *w)
{
	w->looking.look = LOOK_ANSWERED;
	enum watch_outcome outcome = is_news(w) ? WATCH_NEWS : WATCH_SAME;
	memcpy(&w->facts, &w->looking, sizeof(w->facts));
	end_look(w, NULL, outcome);
}

/* One that has been recognised lets postgres in when its own set-up is done, and knocks then. */
static bool is_on_its_way(const struct watch *w, const struct err *failure)
{
	return w->looking.cluster_id[0] && strcmp(failure->sqlstate, "28000") == 0;
}

static void look_at_database(struct watch *w);

static void on_database_looked(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;
	const struct database_facts *found = &w->looking.databases[w->looked_at];

	/* A new worker is looked at again after each step of its registration, so its session stays
	 * open: each log-in costs thousands of hashes (SCRAM). */
	if (found->group != 0 || found->nodes > 0)
		sql_rest(w->databases[w->looked_at]);
	if (failure && is_on_its_way(w, failure)) {
		w->looking.entered = false;
		finish_look(w);
	} else if (failure) {
		end_look(w, failure, WATCH_NEWS);
	} else if (++w->looked_at < MANAGED_COUNT) {
		look_at_database(w);
	} else {
		finish_look(w);
	}
}

static void look_at_database(struct watch *w)
{
	sql_run(w->databases[w->looked_at], look_citus, ARRAY_LEN(look_citus), w,
		on_database_looked);
}

static void on_home_looked(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;

	if (failure) {
		end_look(w, failure, WATCH_NEWS);
	} else if (!w->has_table) {
		struct err e;
		err_set(&e, ERR_SQL, "its local set-up has not finished");
		memcpy(e.sqlstate, "42P01", sizeof(e.sqlstate));
		end_look(w, &e, WATCH_NEWS);
	} else {
		w->looked_at = 0;
		w->looking.entered = w->watcher.may_enter(w->watcher.ctx, w, &w->looking);
		if (w->looking.entered)
			look_at_database(w);
		else
			finish_look(w);
	}
}

static void start_look(struct watch *w)
{
	w->is_looking = true;
	/* Zeroes the padding too: the facts are compared as bytes. */
	memset(&w->looking, 0, sizeof(w->looking));
	for (int i = 0; i < MANAGED_COUNT; i++)
		w->looking.databases[i].group = -1;
	sql_run(w->home, look_home, ARRAY_LEN(look_home), w, on_home_looked);
}

static void on_glanced(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;

	if (!failure && !w->is_same)
		start_look(w);
	else
		end_look(w, failure, failure ? WATCH_NEWS : WATCH_SAME);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_look(arg);
}

/* An idle connection that ends is the first sign that the worker went away. */
static void on_home_notify(void *ctx, const char *payload)
{
	if (!payload)
		watch_look(ctx);
}

static void on_written(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;

	sql_rest(w->work);
	w->written(w->written_ctx, w, failure);
}

struct watch *watch_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, int ordinal, const struct watcher *watcher)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->ordinal = ordinal;
	w->name = identity_name_of(id, ordinal);
	w->host = identity_host_of(id, ordinal);
	w->watcher = *watcher;
	char *password = recogniser_password(settings_secret(settings, SET_SUPERPASS));
	struct sql_target target = { .host = w->host,
		.port = id->port,
		.database = DATABASE_HOME,
		.user = RECOGNISER,
		.is_plain_role = true,
		.password = password,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS };
	w->home = sql_open(loop, &target);
	sql_on_notify(w->home, on_home_notify, w);
	secret_free(password);
	target.user = fixed_roles[FIXED_ROLE_POSTGRES].name;
	target.is_plain_role = false;
	target.password = settings_secret(settings, SET_SUPERPASS);
	w->work = sql_open(loop, &target);
	for (int i = 0; i < MANAGED_COUNT; i++) {
		target.database = managed_databases[i];
		w->databases[i] = sql_open(loop, &target);
	}
	w->setting_names = overrides_names();
	w->timer = evtimer_new(loop, on_timer, w);
	return w;
}

void watch_close(struct watch *w)
{
	sql_close(w->home);
	sql_close(w->work);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(w->databases[i]);
	event_free(w->timer);
	free(w->setting_names);
	free(w->name);
	free(w->host);
	free(w);
}

void watch_look(struct watch *w)
{
	if (watch_is_busy(w))
		return;
	evtimer_del(w->timer);
	start_look(w);
}

void watch_glance(struct watch *w)
{
	if (w->facts.look != LOOK_ANSWERED || !sql_is_connected(w->home)) {
		watch_look(w);
		return;
	}
	if (watch_is_busy(w))
		return;
	w->is_looking = true;
	w->is_same = false;
	sql_run(w->home, glance, ARRAY_LEN(glance), w, on_glanced);
}

void watch_look_in(struct watch *w, int64_t delay_ms)
{
	timer_set(w->timer, clock_jitter_ms(delay_ms));
}

static void write_steps(struct watch *w, const struct sql_step *steps, size_t count,
	watch_written_fn written, void *ctx)
{
	w->written = written;
	w->written_ctx = ctx;
	sql_run(w->work, steps, count, w, on_written);
}

void watch_stamp(struct watch *w, const char *cluster_id, const char *databases,
	const char *incarnations, watch_written_fn written, void *ctx)
{
	w->cluster_id = cluster_id;
	w->names = databases;
	w->incarnations = incarnations;
	write_steps(w, stamp, ARRAY_LEN(stamp), written, ctx);
}

static void on_admitted(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;
	struct err e;

	sql_rest(w->work);
	if (w->is_begun) {
		w->facts.epoch = w->epoch;
		w->facts.settled = true; /* the next glance tells */
	} else if (!failure) {
		err_set(&e, ERR_SQL, "it is not in epoch %lld any more",
			(long long)w->facts.epoch.number);
		failure = &e;
	}
	w->written(w->written_ctx, w, failure);
}

void watch_admit(struct watch *w, const struct epoch *epoch, watch_written_fn written, void *ctx)
{
	w->epoch = *epoch;
	w->is_begun = false;
	w->written = written;
	w->written_ctx = ctx;
	snprintf(w->epoch_number, sizeof(w->epoch_number), "%lld", (long long)epoch->number);
	sql_run(w->work, admit, ARRAY_LEN(admit), w, on_admitted);
}

void watch_shut(struct watch *w, const char *state, watch_written_fn written, void *ctx)
{
	w->state = state;
	write_steps(w, shut, ARRAY_LEN(shut), written, ctx);
}

static void on_told(void *ctx, const struct err *failure)
{
	struct watch *w = ctx;

	w->written(w->written_ctx, w, failure);
}

void watch_tell(struct watch *w, watch_written_fn written, void *ctx)
{
	w->written = written;
	w->written_ctx = ctx;
	sql_run(w->home, tell, ARRAY_LEN(tell), w, on_told);
}

bool watch_is_busy(const struct watch *w)
{
	return w->is_looking || sql_is_busy(w->home) || sql_is_busy(w->work);
}

const struct member_facts *watch_facts(const struct watch *w)
{
	return &w->facts;
}

const char *watch_name(const struct watch *w)
{
	return w->name;
}

int watch_ordinal(const struct watch *w)
{
	return w->ordinal;
}
