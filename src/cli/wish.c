#include "cli/wish.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "statements.h"

#include "base/banned.h"

/* The server ends a statement after 5 s; a server that is frozen answers nothing. */
static const char options[] =
	"-c search_path=pg_catalog -c statement_timeout=5s -c lock_timeout=4s "
	"-c client_min_messages=error";
#define CONNECT_TIMEOUT_S "5"
enum { DEADLINE_MS = 10 * 1000 };

/* Why the socket cannot be reached, in the operator's words; libpq says "no such file". */
static int check_socket(const struct place *p, struct err *e)
{
	_free_ char *path = xasprintf("%s/.s.PGSQL.%d", p->socket_directory, p->port);
	struct stat st;

	if (stat(path, &st) == 0)
		return 0;
	if (errno == EACCES)
		return err_set(e, ERR_SYS,
			"uid %u may not enter \"%s\": only root and the user that PostgreSQL "
			"runs as may; run the command as that user",
			geteuid(), p->socket_directory);
	if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "could not look for the socket \"%s\"", path);
	if (stat(p->socket_directory, &st) == 0)
		return err_set(e, ERR_NET,
			"nobody listens on \"%s\": PostgreSQL is down or starting, or it has "
			"another port; \"citus-init probe\" tells how far the node is",
			path);
	return err_set(e, ERR_NET,
		"there is no directory \"%s\": is the node running here, and is "
		"CITUS_INIT_RUN_DIRECTORY the one that it was started with?",
		p->socket_directory);
}

static int fail_with(const char *message, struct err *e)
{
	/* The lines after the first are libpq's guesses. */
	return err_set(e, ERR_NET, "%.*s", (int)strcspn(message, "\n"), message);
}

/* The result of a statement that was sent, or NULL when the deadline passed or the connection
 * broke. */
static PGresult *wait_for_result(PGconn *conn, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + DEADLINE_MS;

	while (PQisBusy(conn)) {
		struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
		int64_t left_ms = deadline_ms - clock_now_ms();

		if (left_ms <= 0) {
			err_set(e, ERR_TIMEOUT,
				"PostgreSQL took the statement and did not answer within %d ms",
				DEADLINE_MS);
			return NULL;
		}
		(void)poll(&p, 1, (int)left_ms);
		if (!PQconsumeInput(conn)) {
			fail_with(PQerrorMessage(conn), e);
			return NULL;
		}
	}
	return PQgetResult(conn);
}

static int fail_with_result(PGconn *conn, const PGresult *result, struct err *e)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	/* undefined_table, invalid_schema_name */
	if (code && (strcmp(code, "42P01") == 0 || strcmp(code, "3F000") == 0))
		return err_set(e, ERR_NET,
			"the node has not set up its memory (%s): its agent does that at its "
			"start; \"citus-init status --local\" tells how far it is",
			message ? message : code);
	return fail_with(message ? message : PQerrorMessage(conn), e);
}

static int run_on(
	PGconn *conn, const char *sql, const char *const *values, int count, struct err *e)
{
	if (PQstatus(conn) != CONNECTION_OK)
		return fail_with(PQerrorMessage(conn), e);
	if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0))
		return fail_with(PQerrorMessage(conn), e);
	PGresult *result = wait_for_result(conn, e);
	if (!result)
		return -1;
	int rows = PQresultStatus(result) == PGRES_TUPLES_OK ? PQntuples(result)
							     : fail_with_result(conn, result, e);
	PQclear(result);
	return rows;
}

/* How many rows it returned, or -1. */
static int run(
	const struct place *p, const char *sql, const char *const *values, int count, struct err *e)
{
	static const char *const keywords[] = { "host", "port", "dbname", "user", "options",
		"application_name", "connect_timeout", "gssencmode", "sslmode", NULL };
	_free_ char *port = xasprintf("%d", p->port);
	const char *const with[] = { p->socket_directory, port, "postgres", "postgres", options,
		"citus-init command", CONNECT_TIMEOUT_S, "disable", "disable", NULL };

	if (check_socket(p, e) < 0)
		return -1;
	PGconn *conn = PQconnectdbParams(keywords, with, 0);
	int rows = run_on(conn, sql, values, count, e);
	PQfinish(conn);
	return rows < 0 ? err_wrap(e, "could not tell the coordinator's agent") : rows;
}

int wish_make(const struct place *p, const char *what, const char *argument, const char *detail,
	struct err *e)
{
	const char *const values[] = { what, argument, detail };

	return run(p, sql_cli_make_wish, values, ARRAY_LEN(values), e) < 0 ? -1 : 0;
}

int wish_make_exactly(const struct place *p, const char *what, const char *arguments, struct err *e)
{
	const char *const values[] = { what, arguments };

	return run(p, sql_cli_make_wishes_exactly, values, ARRAY_LEN(values), e) < 0 ? -1 : 0;
}

int wish_end(const struct place *p, const char *what, const char *argument, struct err *e)
{
	const char *const values[] = { what, argument };

	return run(p, sql_cli_end_wish, values, ARRAY_LEN(values), e);
}
