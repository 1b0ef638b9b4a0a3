#include "sql/sql.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/timer.h"

#include "base/banned.h"

enum sql_state {
	SQL_CLOSED,
	SQL_CONNECTING,
	SQL_IDLE,
	SQL_RUNNING,
};

struct sql {
	struct link *link;
	int connect_timeout_ms, statement_timeout_ms;

	enum sql_state state;
	struct event *timer; /* the connect's or the statement's deadline; the end of a rest */
	struct event *kick;  /* begins a job from the loop, never from sql_run() itself */

	const struct sql_step *steps;
	size_t count, at;
	void *ctx;
	sql_done_fn done; /* NULL: no job */
	struct sql_failure failure;

	sql_notify_fn notify;
	void *notify_ctx;
};

/* The server cancels by itself at statement_timeout; this much later it is taken for frozen. */
enum { ANSWER_GRACE_MS = 2000, LOCAL_CONNECT_TIMEOUT_MS = 10 * 1000 };

/* How long a connection rests before it is given back. */
enum { REST_MS = 1000 };

static void drop_connection(struct sql *sql)
{
	evtimer_del(sql->timer);
	link_drop(sql->link);
	sql->state = SQL_CLOSED;
}

/* Ends the job; the callback may start another one or close sql. */
static void finish(struct sql *sql, const struct err *failure)
{
	sql_done_fn done = sql->done;

	sql->failure.step = sql->at;
	if (failure)
		drop_connection(sql);
	else
		evtimer_del(sql->timer);
	sql->done = NULL;
	done(sql->ctx, failure);
}

static void fail_step(struct sql *sql, const struct err *why)
{
	struct err e = *why;

	err_wrap(&e, "could not %s", sql->steps[sql->at].name);
	finish(sql, &e);
}

/* Runs the next step that is needed, or ends the job. */
static void run_step(struct sql *sql)
{
	const char *parameters[SQL_MAX_PARAMETERS] = { 0 };
	int count = SQL_SKIP;
	struct err e;

	for (; sql->at < sql->count; sql->at++) {
		const struct sql_step *step = &sql->steps[sql->at];
		count = step->bind ? step->bind(sql->ctx, parameters) : 0;
		if (count != SQL_SKIP)
			break;
	}
	if (sql->at == sql->count) {
		finish(sql, NULL);
		return;
	}
	sql->state = SQL_RUNNING;
	timer_set(sql->timer, sql->statement_timeout_ms + ANSWER_GRACE_MS);
	if (link_send(sql->link, sql->steps[sql->at].sql, count, parameters, &e) < 0)
		fail_step(sql, &e);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct sql *sql = arg;

	(void)fd;
	(void)what;
	if (sql->state == SQL_IDLE) {
		run_step(sql);
		return;
	}
	sql->state = SQL_CONNECTING;
	timer_set(sql->timer, sql->connect_timeout_ms);
	link_connect(sql->link);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct sql *sql = arg;
	enum link_stage stage = link_stage(sql->link);
	struct err e;

	(void)fd;
	(void)what;
	if (sql->state == SQL_IDLE) {
		if (!sql->done)
			drop_connection(sql);
		return;
	}
	if (sql->state == SQL_RUNNING)
		err_set(&e, ERR_TIMEOUT, "could not %s: no answer within %d ms",
			sql->steps[sql->at].name, sql->statement_timeout_ms + ANSWER_GRACE_MS);
	else if (stage == LINK_LOGGING_IN)
		err_set(&e, ERR_TIMEOUT, "it took the connection, and then no answer within %d ms",
			sql->connect_timeout_ms);
	else
		err_set(&e, ERR_NET, "no %s within %d ms",
			stage == LINK_RESOLVING ? "answer from DNS" : "connection",
			sql->connect_timeout_ms);
	finish(sql, &e);
}

static void on_up(void *ctx)
{
	struct sql *sql = ctx;

	sql->state = SQL_IDLE;
	run_step(sql);
}

static int take_rows(struct sql *sql, const PGresult *rows, struct err *e)
{
	const struct sql_step *step = &sql->steps[sql->at];

	for (int row = 0; step->on_row && row < PQntuples(rows); row++)
		if (step->on_row(sql->ctx, rows, row, e) < 0)
			return -1;
	return 0;
}

static bool on_answered(void *ctx, const struct link_answer *answer)
{
	struct sql *sql = ctx;
	struct err e;

	if (answer->failure) {
		if (sql->steps[sql->at].on_error == SQL_IGNORE)
			return true;
		sql->failure.position = answer->position;
		fail_step(sql, answer->failure);
		return false;
	}
	if (take_rows(sql, answer->rows, &e) < 0) {
		fail_step(sql, &e);
		return false;
	}
	return true;
}

static void on_ended(void *ctx)
{
	struct sql *sql = ctx;

	sql->state = SQL_IDLE;
	sql->at++;
	run_step(sql);
}

static void on_lost(void *ctx, const struct err *why)
{
	struct sql *sql = ctx;

	if (sql->state == SQL_RUNNING) {
		fail_step(sql, why);
	} else if (sql->state == SQL_CONNECTING) {
		finish(sql, why);
	} else {
		drop_connection(sql); /* a job that is about to begin connects anew */
		if (!sql->done && sql->notify)
			sql->notify(sql->notify_ctx, NULL);
	}
}

static void on_notified(void *ctx, const char *payload)
{
	struct sql *sql = ctx;

	if (sql->notify)
		sql->notify(sql->notify_ctx, payload);
}

struct sql *sql_open(struct event_base *loop, const struct sql_target *target)
{
	static const struct link_events events = { .is_up = on_up,
		.answered = on_answered,
		.ended = on_ended,
		.lost = on_lost,
		.notified = on_notified };
	struct sql *sql = xcalloc(1, sizeof(*sql));

	sql->link = link_open(loop, target, &events, sql);
	sql->connect_timeout_ms = target->connect_timeout_ms;
	sql->statement_timeout_ms = target->statement_timeout_ms;
	sql->timer = evtimer_new(loop, on_deadline, sql);
	sql->kick = event_new(loop, -1, 0, on_kick, sql);
	return sql;
}

struct sql *sql_open_local(struct event_base *loop, const char *socket_directory, int port,
	const char *database, int statement_timeout_ms)
{
	const struct sql_target target = { .host = socket_directory,
		.port = port,
		.database = database,
		.user = "postgres",
		.connect_timeout_ms = LOCAL_CONNECT_TIMEOUT_MS,
		.statement_timeout_ms = statement_timeout_ms };

	return sql_open(loop, &target);
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	link_close(sql->link);
	event_free(sql->timer);
	event_free(sql->kick);
	free(sql);
}

void sql_run(
	struct sql *sql, const struct sql_step *steps, size_t count, void *ctx, sql_done_fn done)
{
	sql->steps = steps;
	sql->count = count;
	sql->at = 0;
	sql->failure = (struct sql_failure){ 0 };
	sql->ctx = ctx;
	sql->done = done;
	event_active(sql->kick, EV_TIMEOUT, 0);
}

void sql_disconnect(struct sql *sql)
{
	drop_connection(sql);
}

void sql_rest(struct sql *sql)
{
	if (sql->state == SQL_IDLE && !sql->done)
		timer_set(sql->timer, REST_MS);
}

void sql_reset(struct sql *sql)
{
	drop_connection(sql);
	event_del(sql->kick);
	sql->done = NULL;
}

bool sql_is_busy(const struct sql *sql)
{
	return sql->done != NULL;
}

bool sql_is_connected(const struct sql *sql)
{
	return sql->state == SQL_IDLE || sql->state == SQL_RUNNING;
}

void sql_on_notify(struct sql *sql, sql_notify_fn fn, void *ctx)
{
	sql->notify = fn;
	sql->notify_ctx = ctx;
}

const char *sql_field(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

void sql_copy_field(char *to, size_t size, const PGresult *result, int row, int column)
{
	const char *text = sql_field(result, row, column);

	snprintf(to, size, "%s", text ? text : "");
}

long long sql_number(const PGresult *result, int row, int column, long long fallback)
{
	const char *text = sql_field(result, row, column);
	char *end;

	if (!text || !*text)
		return fallback;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return *end || errno ? fallback : number;
}

struct sql_failure sql_last_failure(const struct sql *sql)
{
	return sql->failure;
}
