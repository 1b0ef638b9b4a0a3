#include "report/readings.h"

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

struct reader {
	struct node_view *view;
	struct sql *sql;
	int64_t started_ms; /* of the last reading, however it ended */
	bool has_failed;    /* the last one */
	bool has_pool;	    /* this Citus can report its connections */
	struct readings reading;
};

static int if_coordinator(void *ctx, const char *parameters[])
{
	const struct reader *reader = ctx;

	(void)parameters;
	return reader->view->identity->role == ROLE_COORDINATOR ? 0 : SQL_SKIP;
}

static int if_pool(void *ctx, const char *parameters[])
{
	const struct reader *reader = ctx;

	(void)parameters;
	return reader->has_pool ? 0 : SQL_SKIP;
}

static int on_activity(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct reader *reader = ctx;
	long all = (long)sql_number(result, row, 0, 0);

	(void)e;
	reader->reading.connections[CONNECTIONS_CITUS] = (long)sql_number(result, row, 1, 0);
	reader->reading.connections[CONNECTIONS_AGENTS] = (long)sql_number(result, row, 2, 0);
	reader->reading.connections[CONNECTIONS_CLIENTS] =
		all - reader->reading.connections[CONNECTIONS_CITUS] -
		reader->reading.connections[CONNECTIONS_AGENTS];
	reader->reading.daemon_is_up = sql_number(result, row, 3, 0) > 0;
	reader->has_pool = sql_number(result, row, 4, 0) > 0;
	return 0;
}

static int on_limit(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct readings *r = &((struct reader *)ctx)->reading;

	(void)e;
	if (r->limit_count == READINGS_LIMITS_MAX)
		return 0;
	sql_copy_field(r->limits[r->limit_count].name, sizeof(r->limits[0].name), result, row, 0);
	r->limits[r->limit_count++].count = (long)sql_number(result, row, 1, 0);
	return 0;
}

static int on_prepared(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct reader *reader = ctx;

	(void)e;
	for (int i = 0; i < PREPARED_OWNERS; i++) {
		reader->reading.prepared[i].count = (long)sql_number(result, row, 2 * i, 0);
		reader->reading.prepared[i].oldest_s = (long)sql_number(result, row, 2 * i + 1, 0);
	}
	return 0;
}

static int on_pool(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct reader *reader = ctx;

	(void)e;
	reader->reading.pool_connections = (long)sql_number(result, row, 0, -1);
	reader->reading.pool_busiest = (long)sql_number(result, row, 1, -1);
	return 0;
}

static int on_cleanup(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct reader *reader = ctx;

	(void)e;
	reader->reading.cleanups = (long)sql_number(result, row, 0, -1);
	return 0;
}

static int on_tasks(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct readings *r = &((struct reader *)ctx)->reading;

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
	struct reader *reader = ctx;
	struct readings_view *view = &reader->view->readings;
	int64_t now_ms = clock_now_ms();

	sql_disconnect(reader->sql);
	view->reads++;
	view->took_ms = now_ms - reader->started_ms;
	if (failure) {
		view->failures++;
		/* Log only the first of several failures in a row. */
		if (!reader->has_failed)
			log_warning("readings for /metrics: %s, will try again after the next "
				    "scrape",
				failure->msg);
	} else {
		reader->reading.read_ms = now_ms;
		view->last = reader->reading;
	}
	reader->has_failed = failure != NULL;
}

struct reader *readings_open(
	struct event_base *loop, struct node_view *view, const char *socket_directory)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));

	reader->view = view;
	reader->sql = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_CITUS, STATEMENT_TIMEOUT_MS);
	return reader;
}

void readings_close(struct reader *reader)
{
	if (!reader)
		return;
	sql_close(reader->sql);
	free(reader);
}

void readings_refresh(struct reader *reader)
{
	int64_t now_ms = clock_now_ms();
	bool is_fresh = reader->started_ms && now_ms - reader->started_ms < FRESH_MS;

	if (is_fresh || sql_is_busy(reader->sql) || reader->view->postgres != POSTGRES_READY ||
		reader->view->setup != SETUP_DONE)
		return;
	reader->started_ms = now_ms;
	reader->reading =
		(struct readings){ .pool_connections = -1, .pool_busiest = -1, .cleanups = -1 };
	sql_run(reader->sql, steps, ARRAY_LEN(steps), reader, on_read);
}

void readings_reset(struct reader *reader)
{
	sql_reset(reader->sql);
	reader->started_ms = 0;
	reader->has_failed = false;
	reader->view->readings.last = (struct readings){ .read_ms = 0 };
}
