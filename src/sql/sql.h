/*
 * SQL without waiting: a connection that runs step tables on the agent's loop.
 *
 * A duty (local set-up, identity, registration, metrics) is a table of steps,
 * run in order by the one driver here; the duty's code is what the steps bind
 * and what they do with rows. Every wait has a timer of our own: libpq's
 * connect_timeout is not looked at by PQconnectPoll(), and a frozen server
 * answers nothing.
 *
 * Each session pins search_path, statement_timeout, lock_timeout and
 * citus.node_connection_timeout, so that nothing set on a role or database
 * changes what our statements mean.
 */
#pragma once

#include <event2/event.h>
#include <libpq-fe.h>

#include "base/err.h"
#include "sql/link.h"

enum { SQL_MAX_PARAMETERS = 10 };

/* What happens when a step fails. */
enum sql_on_error {
	SQL_STOP,   /* the job ends with the error */
	SQL_IGNORE, /* as if the step had returned no rows */
};

/* What bind() answers. */
enum sql_bind { SQL_SKIP = -1 /* this step is not needed */ };

struct sql_step {
	const char *name; /* for error texts: "could not " NAME, e.g. "create database citusdb" */
	const char *sql;
	/* Fills text parameters (borrowed until the step has ended); returns how many, or
	 * SQL_SKIP. NULL: no parameters. */
	int (*bind)(void *ctx, const char *parameters[SQL_MAX_PARAMETERS]);
	/* For each row; an error ends the job. NULL: rows are of no interest. */
	int (*on_row)(void *ctx, const PGresult *result, int row, struct err *e);
	enum sql_on_error on_error;
};

/* failure is NULL when all steps have been run; of kind ERR_TIMEOUT when the server took the
 * connection and then did not answer. May close the connection. */
typedef void (*sql_done_fn)(void *ctx, const struct err *failure);
typedef void (*sql_notify_fn)(void *ctx, const char *payload);

struct sql;

/* Makes the object; connects at the first job, for which the name is looked up anew. The
 * target's strings are copied, the password wiped at sql_close(). */
struct sql *sql_open(struct event_base *loop, const struct sql_target *target);

/* The same for a database of this node, as postgres on the socket. */
struct sql *sql_open_local(struct event_base *loop, const char *socket_directory, int port,
	const char *database, int statement_timeout_ms);

/* Drops the connection and any job without a callback; NULL is allowed. */
void sql_close(struct sql *sql);

/* Starts a job; there must be none. steps must outlive it. done is called exactly once, from the
 * loop, never from inside this call. A failed job leaves no connection behind: the next one
 * connects anew. */
void sql_run(
	struct sql *sql, const struct sql_step *steps, size_t count, void *ctx, sql_done_fn done);

/* Where the last job failed: the step, and the position in its text that the server named, in
 * characters from 1, or 0. For the job's done callback. */
struct sql_failure {
	size_t step;
	int position;
};
struct sql_failure sql_last_failure(const struct sql *sql);

/* Ends an idle connection; the next job connects anew. */
void sql_disconnect(struct sql *sql);

/*
 * The same, unless another job comes within a second: rounds that follow each other want the same
 * database, and a session of Citus' costs more than what is asked in it. No longer than that, for
 * DROP DATABASE waits five seconds for the sessions in it (CountOtherDBBackends()).
 */
void sql_rest(struct sql *sql);

/* Drops the connection and any job, without a callback. */
void sql_reset(struct sql *sql);

bool sql_is_busy(const struct sql *sql);
bool sql_is_connected(const struct sql *sql);

/* For LISTEN: called for each notification; and, with NULL, when an idle connection was lost. */
void sql_on_notify(struct sql *sql, sql_notify_fn fn, void *ctx);

/* The text of a field, or NULL for SQL NULL; a copy, "" for SQL NULL, cut at size; a number of a
 * field, or fallback. */
const char *sql_field(const PGresult *result, int row, int column);
void sql_copy_field(char *to, size_t size, const PGresult *result, int row, int column);
long long sql_number(const PGresult *result, int row, int column, long long fallback);
