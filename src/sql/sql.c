#include "sql/sql.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/timer.h"
#include "sql/lookup.h"

#include "base/banned.h"

enum sql_state {
	SQL_CLOSED,
	SQL_RESOLVING,
	SQL_CONNECTING,
	SQL_IDLE,
	SQL_RUNNING,
};

struct sql {
	struct event_base *loop;
	char *host, *database, *user, *password, *options;
	char port[8];
	int connect_timeout_ms, statement_timeout_ms;

	enum sql_state state;
	PGconn *conn;
	struct lookup *lookup;
	struct event *io;    /* the connection's socket */
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

static void on_io(evutil_socket_t fd, short what, void *arg);
static void run_step(struct sql *sql);

static void drop_connection(struct sql *sql)
{
	lookup_cancel(sql->lookup);
	sql->lookup = NULL;
	evtimer_del(sql->timer);
	if (sql->io) {
		event_free(sql->io);
		sql->io = NULL;
	}
	/* PQfinish() sends a good-bye that it does not wait for: the socket is non-blocking. */
	if (sql->conn)
		PQfinish(sql->conn);
	sql->conn = NULL;
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

/* The io event follows libpq: the socket may be another one after each poll. */
static int watch(struct sql *sql, short what)
{
	if (sql->io)
		event_free(sql->io);
	sql->io = event_new(sql->loop, PQsocket(sql->conn), (short)(what | EV_PERSIST), on_io, sql);
	return sql->io && event_add(sql->io, NULL) == 0 ? 0 : -1;
}

/* The verbose form of a failed log-in is "FATAL:  28P01: password ...": libpq 15 keeps the code
 * of such an error nowhere else. Leaves e->sqlstate empty when the server did not answer. */
static void find_sqlstate(const char *message, struct err *e)
{
	for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
		const char *code = at + 3;
		size_t n = 0;

		while (n < 5 &&
			(isdigit((unsigned char)code[n]) || isupper((unsigned char)code[n])))
			n++;
		if (n == 5 && code[5] == ':') {
			memcpy(e->sqlstate, code, 5);
			e->sqlstate[5] = '\0';
			return;
		}
	}
}

static int connect_failed(struct sql *sql, struct err *e)
{
	const char *message = PQerrorMessage(sql->conn);
	struct err code = { 0 };
	/* Only the first line: the rest is the source location of the verbose form. */
	int length = (int)strcspn(message, "\n");

	find_sqlstate(message, &code);
	err_set(e, code.sqlstate[0] ? ERR_SQL : ERR_NET, "%.*s", length, message);
	memcpy(e->sqlstate, code.sqlstate, sizeof(e->sqlstate));
	return -1;
}

static void start_connecting(struct sql *sql, const char *address)
{
	const char *const keywords[] = { "host", "hostaddr", "port", "dbname", "user", "password",
		"options", "application_name", "client_encoding", "gssencmode", "sslmode",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		NULL };
	const char *const values[] = { sql->host, address, sql->port, sql->database, sql->user,
		sql->password, sql->options, "citus-init", "UTF8", "disable", "prefer", "10", "5",
		"3", "15000", NULL };
	struct err e;

	sql->conn = PQconnectStartParams(keywords, values, 0);
	if (!sql->conn) {
		err_set(&e, ERR_SYS, "out of memory");
		finish(sql, &e);
		return;
	}
	PQsetErrorVerbosity(sql->conn, PQERRORS_VERBOSE);
	sql->state = SQL_CONNECTING;
	if (PQstatus(sql->conn) == CONNECTION_BAD || watch(sql, EV_WRITE) < 0) {
		connect_failed(sql, &e);
		finish(sql, &e);
	}
}

static void on_resolved(void *ctx, const char *address, const char *why)
{
	struct sql *sql = ctx;
	struct err e;

	sql->lookup = NULL;
	if (address) {
		start_connecting(sql, address);
		return;
	}
	err_set(&e, ERR_NET, "could not resolve the host name \"%s\": %s", sql->host, why);
	finish(sql, &e);
}

static bool needs_lookup(const struct sql *sql)
{
	struct in6_addr any;

	return sql->host[0] != '/' && inet_pton(AF_INET, sql->host, &any) != 1 &&
	       inet_pton(AF_INET6, sql->host, &any) != 1;
}

static void begin_connecting(struct sql *sql)
{
	timer_set(sql->timer, sql->connect_timeout_ms);
	if (!needs_lookup(sql)) {
		start_connecting(sql, NULL);
		return;
	}
	sql->state = SQL_RESOLVING;
	sql->lookup = lookup_start(sql->loop, sql->host, on_resolved, sql);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct sql *sql = arg;

	(void)fd;
	(void)what;
	if (sql->state == SQL_IDLE)
		run_step(sql);
	else
		begin_connecting(sql);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct sql *sql = arg;
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
	else if (sql->conn && PQstatus(sql->conn) != CONNECTION_STARTED)
		err_set(&e, ERR_TIMEOUT, "it took the connection, and then no answer within %d ms",
			sql->connect_timeout_ms);
	else
		err_set(&e, ERR_NET, "no %s within %d ms",
			sql->state == SQL_RESOLVING ? "answer from DNS" : "connection",
			sql->connect_timeout_ms);
	finish(sql, &e);
}

static void on_connecting(struct sql *sql)
{
	struct err e;

	switch (PQconnectPoll(sql->conn)) {
	case PGRES_POLLING_READING:
		if (watch(sql, EV_READ) == 0)
			return;
		break;
	case PGRES_POLLING_WRITING:
		if (watch(sql, EV_WRITE) == 0)
			return;
		break;
	case PGRES_POLLING_OK:
		PQsetnonblocking(sql->conn, 1);
		PQsetErrorVerbosity(sql->conn, PQERRORS_DEFAULT);
		sql->state = SQL_IDLE;
		if (watch(sql, EV_READ) == 0) {
			run_step(sql);
			return;
		}
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE: break;
	}
	connect_failed(sql, &e);
	finish(sql, &e);
}

static void fail_with_connection(struct sql *sql)
{
	const char *message = PQerrorMessage(sql->conn);
	struct err e;

	err_set(&e, ERR_NET, "could not %s: %.*s", sql->steps[sql->at].name,
		(int)strcspn(message, "\n"), message);
	finish(sql, &e);
}

/* Runs the next step that is needed, or ends the job. */
static void run_step(struct sql *sql)
{
	const char *parameters[SQL_MAX_PARAMETERS] = { 0 };
	int count = SQL_SKIP;

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
	if (!PQsendQueryParams(
		    sql->conn, sql->steps[sql->at].sql, count, NULL, parameters, NULL, NULL, 0)) {
		fail_with_connection(sql);
		return;
	}
	int flushed = PQflush(sql->conn);
	if (flushed < 0 || (flushed > 0 && watch(sql, EV_READ | EV_WRITE) < 0))
		fail_with_connection(sql);
}

/* Fills *e from the server's error, its detail included: Citus puts the cause there. */
static int result_error(struct sql *sql, const PGresult *result, struct err *e)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	err_set(e, code ? ERR_SQL : ERR_NET, "could not %s: %s%s%s", sql->steps[sql->at].name,
		primary ? primary : PQresultErrorMessage(result), detail ? ": " : "",
		detail ? detail : "");
	if (code)
		memcpy(e->sqlstate, code, sizeof(e->sqlstate));
	sql->failure.position = position ? (int)strtol(position, NULL, 10) : 0;
	return -1;
}

static int take_result(struct sql *sql, const PGresult *result, struct err *e)
{
	const struct sql_step *step = &sql->steps[sql->at];
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
		return err_set(e, ERR_SQL, "could not %s: COPY from or to the client needs psql",
			step->name);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		return step->on_error == SQL_IGNORE ? 0 : result_error(sql, result, e);
	for (int row = 0; step->on_row && row < PQntuples(result); row++)
		if (step->on_row(sql->ctx, result, row, e) < 0)
			return err_wrap(e, "could not %s", step->name);
	return 0;
}

static void on_running(struct sql *sql)
{
	struct err e;

	if (PQflush(sql->conn) == 0 && watch(sql, EV_READ) < 0) {
		fail_with_connection(sql);
		return;
	}
	while (!PQisBusy(sql->conn)) {
		PGresult *result = PQgetResult(sql->conn);
		if (!result) {
			sql->state = SQL_IDLE;
			sql->at++;
			run_step(sql);
			return;
		}
		int status = take_result(sql, result, &e);
		PQclear(result);
		if (status < 0) {
			finish(sql, &e);
			return;
		}
	}
}

/* Returns false when a callback closed or changed the connection. */
static bool deliver_notifications(struct sql *sql)
{
	PGnotify *note;

	while (sql->conn && (note = PQnotifies(sql->conn))) {
		_free_ char *payload = xstrdup(note->extra);
		PQfreemem(note);
		if (sql->notify)
			sql->notify(sql->notify_ctx, payload);
	}
	return sql->conn != NULL;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct sql *sql = arg;

	(void)fd;
	(void)what;
	if (sql->state == SQL_CONNECTING) {
		on_connecting(sql);
		return;
	}
	if (!PQconsumeInput(sql->conn)) {
		if (sql->state == SQL_RUNNING) {
			fail_with_connection(sql);
		} else if (!sql->done) {
			drop_connection(sql);
			if (sql->notify)
				sql->notify(sql->notify_ctx, NULL);
		} else {
			drop_connection(sql); /* the job that is about to begin connects anew */
		}
		return;
	}
	if (!deliver_notifications(sql))
		return;
	if (sql->state == SQL_RUNNING)
		on_running(sql);
}

struct sql *sql_open(struct event_base *loop, const struct sql_target *target)
{
	struct sql *sql = xcalloc(1, sizeof(*sql));

	sql->loop = loop;
	sql->host = xstrdup(target->host);
	sql->database = xstrdup(target->database);
	sql->user = xstrdup(target->user);
	sql->password = target->password ? xstrdup(target->password) : NULL;
	sql->connect_timeout_ms = target->connect_timeout_ms;
	sql->statement_timeout_ms = target->statement_timeout_ms;
	snprintf(sql->port, sizeof(sql->port), "%d", target->port);
	/*
	 * pg_catalog alone, so that no object of a user's is ever called by a name of ours;
	 * statements are not logged, for some carry a role's verifier. A server whose client went
	 * away in the middle of a statement ends it, and gives back its locks.
	 */
	sql->options = xasprintf("-c search_path=pg_catalog -c statement_timeout=%d"
				 " -c lock_timeout=%d -c citus.node_connection_timeout=5000"
				 " -c idle_session_timeout=0 -c client_min_messages=error"
				 " -c log_statement=none -c client_connection_check_interval=1000",
		target->statement_timeout_ms, target->statement_timeout_ms / 2);
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
	drop_connection(sql);
	event_free(sql->timer);
	event_free(sql->kick);
	free(sql->host);
	free(sql->database);
	free(sql->user);
	free(sql->options);
	secret_free(sql->password);
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
