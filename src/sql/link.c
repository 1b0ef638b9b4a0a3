#include "sql/link.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "sql/lookup.h"

#include "base/banned.h"

struct link {
	struct event_base *loop;
	const struct link_events *events;
	void *ctx;
	char *host, *database, *user, *password, *options;
	char port[8];

	enum link_stage stage;
	PGconn *conn;
	struct lookup *lookup;
	struct event *io; /* the connection's socket */
	bool is_asked;	  /* a statement has been sent, and has not ended */
};

static void on_io(evutil_socket_t fd, short what, void *arg);

/* The io event follows libpq: the socket may be another one after each poll. */
static int watch(struct link *link, short what)
{
	if (link->io)
		event_free(link->io);
	link->io = event_new(
		link->loop, PQsocket(link->conn), (short)(what | EV_PERSIST), on_io, link);
	return link->io && event_add(link->io, NULL) == 0 ? 0 : -1;
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

static void connect_failed(struct link *link)
{
	const char *message = PQerrorMessage(link->conn);
	struct err e, code = { 0 };
	/* Only the first line: the rest is the source location of the verbose form. */
	int length = (int)strcspn(message, "\n");

	find_sqlstate(message, &code);
	err_set(&e, code.sqlstate[0] ? ERR_SQL : ERR_NET, "%.*s", length, message);
	memcpy(e.sqlstate, code.sqlstate, sizeof(e.sqlstate));
	link->events->lost(link->ctx, &e);
}

static int connection_error(const struct link *link, struct err *e)
{
	const char *message = PQerrorMessage(link->conn);

	return err_set(e, ERR_NET, "%.*s", (int)strcspn(message, "\n"), message);
}

static void connection_broke(struct link *link)
{
	struct err e;

	connection_error(link, &e);
	link->events->lost(link->ctx, &e);
}

static void start_connecting(struct link *link, const char *address)
{
	const char *const keywords[] = { "host", "hostaddr", "port", "dbname", "user", "password",
		"options", "application_name", "client_encoding", "gssencmode", "sslmode",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		NULL };
	const char *const values[] = { link->host, address, link->port, link->database, link->user,
		link->password, link->options, "citus-init", "UTF8", "disable", "prefer", "10", "5",
		"3", "15000", NULL };

	link->stage = LINK_REACHING;
	link->conn = PQconnectStartParams(keywords, values, 0);
	if (!link->conn) {
		struct err e;
		err_set(&e, ERR_SYS, "out of memory");
		link->events->lost(link->ctx, &e);
		return;
	}
	PQsetErrorVerbosity(link->conn, PQERRORS_VERBOSE);
	if (PQstatus(link->conn) == CONNECTION_BAD || watch(link, EV_WRITE) < 0)
		connect_failed(link);
}

static void on_resolved(void *ctx, const char *address, const char *why)
{
	struct link *link = ctx;
	struct err e;

	link->lookup = NULL;
	if (address) {
		start_connecting(link, address);
		return;
	}
	err_set(&e, ERR_NET, "could not resolve the host name \"%s\": %s", link->host, why);
	link->events->lost(link->ctx, &e);
}

static bool needs_lookup(const struct link *link)
{
	struct in6_addr any;

	return link->host[0] != '/' && inet_pton(AF_INET, link->host, &any) != 1 &&
	       inet_pton(AF_INET6, link->host, &any) != 1;
}

void link_connect(struct link *link)
{
	if (!needs_lookup(link)) {
		start_connecting(link, NULL);
		return;
	}
	link->stage = LINK_RESOLVING;
	link->lookup = lookup_start(link->loop, link->host, on_resolved, link);
}

static void on_connecting(struct link *link)
{
	PostgresPollingStatusType status = PQconnectPoll(link->conn);

	if (PQstatus(link->conn) != CONNECTION_STARTED)
		link->stage = LINK_LOGGING_IN;
	switch (status) {
	case PGRES_POLLING_READING:
		if (watch(link, EV_READ) == 0)
			return;
		break;
	case PGRES_POLLING_WRITING:
		if (watch(link, EV_WRITE) == 0)
			return;
		break;
	case PGRES_POLLING_OK:
		PQsetnonblocking(link->conn, 1);
		PQsetErrorVerbosity(link->conn, PQERRORS_DEFAULT);
		link->stage = LINK_UP;
		if (watch(link, EV_READ) == 0) {
			link->events->is_up(link->ctx);
			return;
		}
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE: break;
	}
	connect_failed(link);
}

int link_send(struct link *link, const char *sql, int count, const char *const parameters[],
	struct err *e)
{
	if (!PQsendQueryParams(link->conn, sql, count, NULL, parameters, NULL, NULL, 0))
		return connection_error(link, e);
	link->is_asked = true;
	int flushed = PQflush(link->conn);
	if (flushed < 0 || (flushed > 0 && watch(link, EV_READ | EV_WRITE) < 0))
		return connection_error(link, e);
	return 0;
}

/* Fills *e from the server's error, its detail included: Citus puts the cause there. */
static void result_error(const PGresult *result, struct err *e)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	err_set(e, code ? ERR_SQL : ERR_NET, "%s%s%s",
		primary ? primary : PQresultErrorMessage(result), detail ? ": " : "",
		detail ? detail : "");
	if (code)
		memcpy(e->sqlstate, code, sizeof(e->sqlstate));
}

/* Returns false when the link was dropped. */
static bool take_result(struct link *link, const PGresult *result)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	ExecStatusType status = PQresultStatus(result);
	struct link_answer answer = { .rows = result };
	struct err e;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
			err_set(&e, ERR_SQL, "COPY from or to the client needs psql");
		else
			result_error(result, &e);
		answer.rows = NULL;
		answer.failure = &e;
		answer.position = position ? (int)strtol(position, NULL, 10) : 0;
	}
	return link->events->answered(link->ctx, &answer);
}

static void take_answers(struct link *link)
{
	if (PQflush(link->conn) == 0 && watch(link, EV_READ) < 0) {
		connection_broke(link);
		return;
	}
	while (!PQisBusy(link->conn)) {
		PGresult *result = PQgetResult(link->conn);
		if (!result) {
			link->is_asked = false;
			link->events->ended(link->ctx);
			return;
		}
		bool goes_on = take_result(link, result);
		PQclear(result);
		if (!goes_on)
			return;
	}
}

/* Returns false when a callback dropped the link. */
static bool deliver_notifications(struct link *link)
{
	PGnotify *note;

	while (link->conn && (note = PQnotifies(link->conn))) {
		_free_ char *payload = xstrdup(note->extra);
		PQfreemem(note);
		link->events->notified(link->ctx, payload);
	}
	return link->conn != NULL;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;

	(void)fd;
	(void)what;
	if (link->stage != LINK_UP)
		on_connecting(link);
	else if (!PQconsumeInput(link->conn))
		connection_broke(link);
	else if (deliver_notifications(link) && link->is_asked)
		take_answers(link);
}

void link_drop(struct link *link)
{
	lookup_cancel(link->lookup);
	link->lookup = NULL;
	if (link->io) {
		event_free(link->io);
		link->io = NULL;
	}
	/* PQfinish() sends a good-bye that it does not wait for: the socket is non-blocking. */
	if (link->conn)
		PQfinish(link->conn);
	link->conn = NULL;
	link->is_asked = false;
	link->stage = LINK_DOWN;
}

enum link_stage link_stage(const struct link *link)
{
	return link->stage;
}

struct link *link_open(struct event_base *loop, const struct sql_target *target,
	const struct link_events *events, void *ctx)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->loop = loop;
	link->events = events;
	link->ctx = ctx;
	link->host = xstrdup(target->host);
	link->database = xstrdup(target->database);
	link->user = xstrdup(target->user);
	link->password = target->password ? xstrdup(target->password) : NULL;
	snprintf(link->port, sizeof(link->port), "%d", target->port);
	/*
	 * pg_catalog alone, so that no object of a user's is ever called by a name of ours;
	 * statements are not logged, for some carry a role's verifier. A server whose client went
	 * away in the middle of a statement ends it, and gives back its locks. What is written is
	 * on disk when the answer comes, whatever the users' own setting is.
	 */
	link->options = xasprintf("-c search_path=pg_catalog -c statement_timeout=%d"
				  " -c lock_timeout=%d -c citus.node_connection_timeout=5000"
				  " -c idle_session_timeout=0 -c client_min_messages=error"
				  " -c client_connection_check_interval=1000"
				  " -c synchronous_commit=local%s",
		target->statement_timeout_ms, target->statement_timeout_ms / 2,
		target->is_plain_role ? "" : " -c log_statement=none");
	return link;
}

void link_close(struct link *link)
{
	link_drop(link);
	free(link->host);
	free(link->database);
	free(link->user);
	free(link->options);
	secret_free(link->password);
	free(link);
}
