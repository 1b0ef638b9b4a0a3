#include "report/gauges.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/databases.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

/* Between readings, however often somebody scrapes: a session costs a fork and Citus' start. */
enum { FRESH_MS = 10 * 1000, STATEMENT_TIMEOUT_MS = 2000 };

struct gauges {
	struct node_view *view;
	struct sql *sql;
	int64_t started_ms; /* of the last reading, however it ended */
	bool has_failed;    /* the last one */
	bool has_pool;	    /* this Citus can tell of its connections */
	struct readings reading;
};

static int if_coordinator(void *ctx, const char *parameters[])
{
	const struct gauges *g = ctx;

	(void)parameters;
	return g->view->identity->role == ROLE_COORDINATOR ? 0 : SQL_SKIP;
}

static int if_pool(void *ctx, const char *parameters[])
{
	const struct gauges *g = ctx;

	(void)parameters;
	return g->has_pool ? 0 : SQL_SKIP;
}

static int on_activity(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gauges *g = ctx;
	long all = (long)sql_number(result, row, 0, 0);

	(void)e;
	g->reading.connections[CONNECTIONS_CITUS] = (long)sql_number(result, row, 1, 0);
	g->reading.connections[CONNECTIONS_AGENTS] = (long)sql_number(result, row, 2, 0);
	g->reading.connections[CONNECTIONS_CLIENTS] = all -
						      g->reading.connections[CONNECTIONS_CITUS] -
						      g->reading.connections[CONNECTIONS_AGENTS];
	g->reading.daemon_is_up = sql_number(result, row, 3, 0) > 0;
	g->has_pool = sql_number(result, row, 4, 0) > 0;
	return 0;
}

static int on_limit(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct readings *r = &((struct gauges *)ctx)->reading;

	(void)e;
	if (r->limit_count == READINGS_LIMITS_MAX)
		return 0;
	sql_copy_field(r->limits[r->limit_count].name, sizeof(r->limits[0].name), result, row, 0);
	r->limits[r->limit_count++].count = (long)sql_number(result, row, 1, 0);
	return 0;
}

static int on_prepared(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gauges *g = ctx;

	(void)e;
	for (int i = 0; i < PREPARED_OWNERS; i++) {
		g->reading.prepared[i].count = (long)sql_number(result, row, 2 * i, 0);
		g->reading.prepared[i].oldest_s = (long)sql_number(result, row, 2 * i + 1, 0);
	}
	return 0;
}

static int on_pool(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gauges *g = ctx;

	(void)e;
	g->reading.pool_connections = (long)sql_number(result, row, 0, -1);
	g->reading.pool_busiest = (long)sql_number(result, row, 1, -1);
	return 0;
}

static int on_cleanup(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gauges *g = ctx;

	(void)e;
	g->reading.cleanups = (long)sql_number(result, row, 0, -1);
	return 0;
}

static int on_tasks(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct readings *r = &((struct gauges *)ctx)->reading;

	(void)e;
	if (r->task_count == READINGS_TASKS_MAX)
		return 0;
	sql_copy_field(r->tasks[r->task_count].name, sizeof(r->tasks[0].name), result, row, 0);
	r->tasks[r->task_count++].count = (long)sql_number(result, row, 1, 0);
	return 0;
}

static const struct sql_step steps[] = {
	{ .name = "read the node's connections",
		.sql = sql_report_read_activity,
		.on_row = on_activity },
	{ .name = "read the limits of connections",
		.sql = sql_report_read_limits,
		.on_row = on_limit },
	{ .name = "read the prepared transactions",
		.sql = sql_report_read_prepared,
		.on_row = on_prepared },
	{ .name = "read Citus' connections to other nodes",
		.sql = sql_report_read_pool,
		.bind = if_pool,
		.on_row = on_pool },
	{ .name = "count what Citus has yet to clean up",
		.sql = sql_report_count_cleanups,
		.bind = if_coordinator,
		.on_row = on_cleanup },
	{ .name = "count Citus' background tasks",
		.sql = sql_report_count_tasks,
		.bind = if_coordinator,
		.on_row = on_tasks },
};

static void on_read(void *ctx, const struct err *failure)
{
	struct gauges *g = ctx;
	struct gauges_view *view = &g->view->gauges;
	int64_t now_ms = clock_now_ms();

	sql_disconnect(g->sql);
	view->reads++;
	view->took_ms = now_ms - g->started_ms;
	if (failure) {
		view->failures++;
		/* The first failure of a row is told, the rest are the same news. */
		if (!g->has_failed)
			log_warning("readings for /metrics: %s, will try again at a scrape",
				failure->msg);
	} else {
		g->reading.read_ms = now_ms;
		view->last = g->reading;
	}
	g->has_failed = failure != NULL;
}

struct gauges *gauges_open(
	struct event_base *loop, struct node_view *view, const char *socket_directory)
{
	struct gauges *g = xcalloc(1, sizeof(*g));

	g->view = view;
	g->sql = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_CITUS, STATEMENT_TIMEOUT_MS);
	return g;
}

void gauges_close(struct gauges *g)
{
	if (!g)
		return;
	sql_close(g->sql);
	free(g);
}

void gauges_refresh(struct gauges *g)
{
	int64_t now_ms = clock_now_ms();
	bool is_fresh = g->started_ms && now_ms - g->started_ms < FRESH_MS;

	if (is_fresh || sql_is_busy(g->sql) || g->view->postgres != POSTGRES_READY ||
		g->view->setup != SETUP_DONE)
		return;
	g->started_ms = now_ms;
	g->reading =
		(struct readings){ .pool_connections = -1, .pool_busiest = -1, .cleanups = -1 };
	sql_run(g->sql, steps, ARRAY_LEN(steps), g, on_read);
}

void gauges_reset(struct gauges *g)
{
	sql_reset(g->sql);
	g->started_ms = 0;
	g->has_failed = false;
	g->view->gauges.last = (struct readings){ .read_ms = 0 };
}
