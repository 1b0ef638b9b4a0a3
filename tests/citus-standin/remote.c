/*
 * Part of the stand-in for Citus that the tests of citus-init use; never for production.
 *
 * Connections to the other nodes: host=<nodename> port, the current database and user, the
 * keywords of citus.node_conninfo, and a password from where libpq finds one (PGPASSFILE).
 *
 * A node has up to two connections in a session. The coordinated one is in a transaction of its
 * own for as long as the local one runs, follows its savepoints, and ends with it by two-phase
 * commit: what a failing statement did on ten workers is gone from all of them. The immediate one
 * commits each command at once; a command that made something names the command that takes it
 * back, which runs if the local transaction aborts. Shards are made that way, because postgres_fdw
 * must see them over its own connection before the transaction ends.
 *
 * Waiting ends by the answer, by an interrupt, or, only while connecting, by
 * citus.node_connection_timeout. As with the real Citus, a frozen node is waited for.
 */
#include "standin.h"

#include <poll.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq-fe.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* How long the end of a transaction waits for a node that does not answer. */
#define END_WAIT_MS 5000

#define IDENTITY_QUERY                                                                             \
	"SELECT system_identifier || ' ' || pg_postmaster_start_time() FROM pg_control_system()"

enum remote_kind { COORDINATED, IMMEDIATE };

struct remote {
	struct remote *next;
	enum remote_kind kind;
	char *host;
	int port;
	char *user;

	PGconn *conn;
	TimestampTz connected_at;

	/* Of the coordinated kind: the transaction there. */
	bool begun;
	int begun_level;
	int level;
	bool prepared;
	bool lost;
	char gid[96];
	char *identity;
};

/* What takes an immediate command back. */
struct undo {
	struct undo *next;
	struct remote *remote;
	int level;
	char *command;
};

static struct remote *remotes;
static struct undo *undos;
static bool close_all_after_transaction;
static uint32 transaction_counter;

PG_FUNCTION_INFO_V1(citus_standin_exec);
PG_FUNCTION_INFO_V1(citus_standin_exec_direct);
PG_FUNCTION_INFO_V1(citus_standin_exec_now);
PG_FUNCTION_INFO_V1(citus_standin_try);
PG_FUNCTION_INFO_V1(citus_standin_ask);
PG_FUNCTION_INFO_V1(citus_standin_check_connection);

static void remote_close(struct remote *r)
{
	if (r->conn != NULL)
		PQfinish(r->conn);
	r->conn = NULL;
}

/* False when the deadline (0: none) has passed. */
static bool wait_socket(PGconn *conn, int io, TimestampTz deadline, bool interruptible)
{
	int events = io | WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long timeout_ms = -1;

	if (deadline != 0) {
		timeout_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (timeout_ms <= 0)
			return false;
		events |= WL_TIMEOUT;
	}
	int happened =
		WaitLatchOrSocket(MyLatch, events, PQsocket(conn), timeout_ms, PG_WAIT_EXTENSION);
	if (happened & WL_LATCH_SET) {
		ResetLatch(MyLatch);
		if (interruptible)
			CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static void ignore_notice(void *arg, const char *message)
{
}

/* Starts the connection and drives it to its end; false if it failed or the time is up. */
static bool remote_connect(struct remote *r, bool *timed_out)
{
	const char *keywords[32], *values[32];
	char port[16], name[64];
	int n = 0;
	char *database = get_database_name(MyDatabaseId);
	PQconninfoOption *options = PQconninfoParse(citus_node_conninfo, NULL);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	TimestampTz deadline = TimestampTzPlusMilliseconds(
		GetCurrentTimestamp(), citus_node_connection_timeout_ms);

	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL && n < 24; o++)
		if (o->val != NULL && strcmp(o->keyword, "host") != 0) {
			keywords[n] = o->keyword;
			values[n++] = pstrdup(o->val);
		}
	PQconninfoFree(options);

	snprintf(port, sizeof(port), "%d", r->port);
	snprintf(name, sizeof(name), "citus_internal gpid=%lu",
		99999999UL * 10000000000UL + (unsigned long)MyProcPid);
	keywords[n] = "host", values[n++] = r->host;
	keywords[n] = "port", values[n++] = port;
	keywords[n] = "dbname", values[n++] = database;
	keywords[n] = "user", values[n++] = r->user;
	keywords[n] = "client_encoding", values[n++] = GetDatabaseEncodingName();
	keywords[n] = "application_name", values[n++] = name;
	/* A server whose client has given up must not hold its locks until it can send. */
	keywords[n] = "options", values[n++] = "-c client_connection_check_interval=1s";
	keywords[n] = NULL, values[n] = NULL;

	*timed_out = false;
	r->conn = PQconnectStartParams(keywords, values, 0);
	if (r->conn == NULL || PQstatus(r->conn) == CONNECTION_BAD)
		return false;
	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		int io = state == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;

		if (!wait_socket(r->conn, io, deadline, true)) {
			*timed_out = true;
			remote_close(r);
			return false;
		}
		struct pollfd p = { .fd = PQsocket(r->conn),
			.events = io == WL_SOCKET_READABLE ? POLLIN : POLLOUT };
		if (poll(&p, 1, 0) > 0)
			state = PQconnectPoll(r->conn);
	}
	if (state == PGRES_POLLING_FAILED)
		return false;
	PQsetnonblocking(r->conn, 1);
	PQsetNoticeProcessor(r->conn, ignore_notice, NULL);
	r->connected_at = GetCurrentTimestamp();
	return true;
}

static void report_connection_failure(struct remote *r, int level, bool timed_out)
{
	const char *reason = "";

	if (timed_out)
		ereport(WARNING, (errcode(ERRCODE_WARNING),
					 errmsg("could not establish connection after %d ms",
						 citus_node_connection_timeout_ms)));
	if (r->conn != NULL) {
		/* libpq names the server first, which the message below does too. */
		char *text = pchomp(PQerrorMessage(r->conn));
		char *after = strstr(text, "failed: ");

		reason = after != NULL ? after + strlen("failed: ") : text;
		if (*reason == '\0')
			reason = "connection not open";
	}
	remote_close(r);
	if (*reason == '\0')
		ereport(level, (errcode(ERRCODE_CONNECTION_FAILURE),
				       errmsg("connection to the remote node %s@%s:%d failed",
					       r->user, r->host, r->port)));
	else
		ereport(level,
			(errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("connection to the remote node %s@%s:%d failed with the "
				       "following error: %s",
					r->user, r->host, r->port, reason)));
}

static struct remote *remote_find(
	enum remote_kind kind, const char *host, int port, const char *user)
{
	for (struct remote *r = remotes; r != NULL; r = r->next)
		if (r->kind == kind && r->port == port && strcmp(r->host, host) == 0 &&
			strcmp(r->user, user) == 0)
			return r;

	struct remote *r = MemoryContextAllocZero(TopMemoryContext, sizeof(*r));
	r->kind = kind;
	r->host = MemoryContextStrdup(TopMemoryContext, host);
	r->port = port;
	r->user = MemoryContextStrdup(TopMemoryContext, user);
	r->next = remotes;
	remotes = r;
	return r;
}

/* A cached connection whose server has gone is readable: its end is waiting there. */
static bool remote_is_usable(struct remote *r)
{
	if (r->conn == NULL || PQstatus(r->conn) != CONNECTION_OK)
		return false;
	if (r->begun)
		return true;
	if (PQtransactionStatus(r->conn) != PQTRANS_IDLE)
		return false;

	struct pollfd p = { .fd = PQsocket(r->conn), .events = POLLIN };
	while (poll(&p, 1, 0) > 0)
		if (!PQconsumeInput(r->conn))
			return false;
	return true;
}

/* False, with the failure reported at this level, if there is no connection. */
static bool remote_open(struct remote *r, int level)
{
	bool timed_out;

	if (remote_is_usable(r))
		return true;
	if (r->begun)
		r->lost = true;
	remote_close(r);
	if (remote_connect(r, &timed_out))
		return true;
	report_connection_failure(r, level, timed_out);
	return false;
}

/* Sends the command and collects its last result, or its first error; NULL: connection lost. */
static PGresult *remote_command(
	struct remote *r, const char *command, TimestampTz deadline, bool interruptible)
{
	PGresult *kept = NULL;
	int pending;

	if (!PQsendQuery(r->conn, command))
		return NULL;
	while ((pending = PQflush(r->conn)) > 0) {
		if (!wait_socket(r->conn, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, deadline,
			    interruptible))
			return NULL;
		if (!PQconsumeInput(r->conn))
			return NULL;
	}
	if (pending < 0)
		return NULL;
	for (;;) {
		while (PQisBusy(r->conn)) {
			if (!wait_socket(r->conn, WL_SOCKET_READABLE, deadline, interruptible) ||
				!PQconsumeInput(r->conn)) {
				PQclear(kept);
				return NULL;
			}
		}
		PGresult *result = PQgetResult(r->conn);
		if (result == NULL)
			return kept;
		if (kept != NULL && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
			PQclear(result);
		} else {
			PQclear(kept);
			kept = result;
		}
	}
}

static bool result_is_ok(PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK ||
	       PQresultStatus(result) == PGRES_COMMAND_OK;
}

static char *result_field(PGresult *result, int field)
{
	char *text = PQresultErrorField(result, field);

	return text != NULL ? pstrdup(text) : NULL;
}

static char *result_value(PGresult *result)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0 ||
		PQnfields(result) == 0 || PQgetisnull(result, 0, 0))
		return NULL;
	return pstrdup(PQgetvalue(result, 0, 0));
}

/* Reports what the other node said; frees the result. */
static void report_result(struct remote *r, PGresult *result, int level)
{
	char *state = result_field(result, PG_DIAG_SQLSTATE);
	char *message = result_field(result, PG_DIAG_MESSAGE_PRIMARY);
	char *detail = result_field(result, PG_DIAG_MESSAGE_DETAIL);
	char *hint = result_field(result, PG_DIAG_MESSAGE_HINT);

	PQclear(result);
	ereport(level, (errcode(state != NULL ? MAKE_SQLSTATE(state[0], state[1], state[2],
							state[3], state[4])
					      : ERRCODE_INTERNAL_ERROR),
			       errmsg("%s", message != NULL ? message : "no message"),
			       detail != NULL ? errdetail("%s", detail) : 0,
			       hint != NULL ? errhint("%s", hint) : 0,
			       errcontext("while executing command on %s:%d", r->host, r->port)));
}

static void fail_essential(struct remote *r)
{
	ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
			       errmsg("failure on connection marked as essential: %s:%d", r->host,
				       r->port)));
}

/* Runs a command that must succeed; answers its first value. */
static char *remote_must(struct remote *r, const char *command, bool essential)
{
	PGresult *result = remote_command(r, command, 0, true);

	if (result == NULL) {
		if (r->begun)
			r->lost = true;
		report_connection_failure(r, ERROR, false);
	}
	if (!result_is_ok(result)) {
		report_result(r, result, essential ? WARNING : ERROR);
		fail_essential(r);
	}
	char *value = result_value(result);
	PQclear(result);
	return value;
}

static char *query_locally(const char *query)
{
	char *value = NULL;
	MemoryContext caller = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(query, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", query);
	if (SPI_processed == 1) {
		char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		value = text != NULL ? MemoryContextStrdup(caller, text) : NULL;
	}
	SPI_finish();
	return value;
}

/*
 * One server behind two names would wait for itself: both connections change the same rows. The
 * real Citus finds out by its deadlock detection, which gives this error.
 */
static void refuse_same_server(struct remote *r)
{
	char *own = query_locally(IDENTITY_QUERY);
	bool same = own != NULL && strcmp(own, r->identity) == 0;

	for (struct remote *o = remotes; o != NULL; o = o->next)
		if (o != r && o->begun && o->identity != NULL && strcmp(o->user, r->user) == 0 &&
			strcmp(o->identity, r->identity) == 0)
			same = true;
	if (same)
		ereport(ERROR,
			(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
				errmsg("canceling the transaction since it was involved in a "
				       "distributed deadlock")));
}

/* Brings the transaction over there to the nesting level of the local one. */
static void remote_begin(struct remote *r)
{
	int level = GetCurrentTransactionNestLevel();

	if (!r->begun) {
		char *group = query_locally("SELECT groupid FROM pg_catalog.pg_dist_local_group");
		char *begin = psprintf(
			"BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;"
			"SELECT assign_distributed_transaction_id(%s, %u, '%s');" IDENTITY_QUERY,
			group != NULL ? group : "0", ++transaction_counter,
			timestamptz_to_str(GetCurrentTransactionStartTimestamp()));

		r->begun = true;
		r->begun_level = level;
		r->level = 1;
		r->identity = NULL;
		char *identity = remote_must(r, begin, true);
		r->identity = MemoryContextStrdup(
			TopTransactionContext, identity != NULL ? identity : "");
		refuse_same_server(r);
	}
	while (r->level < level)
		remote_must(r, psprintf("SAVEPOINT s%d", ++r->level), true);
}

static char *exec_coordinated(FunctionCallInfo fcinfo, bool essential)
{
	struct remote *r = remote_find(COORDINATED, text_to_cstring(PG_GETARG_TEXT_PP(0)),
		PG_GETARG_INT32(1), GetUserNameFromId(GetUserId(), false));

	if (r->lost)
		fail_essential(r);
	remote_open(r, ERROR);
	if (r->lost)
		fail_essential(r);
	remote_begin(r);
	return remote_must(r, text_to_cstring(PG_GETARG_TEXT_PP(2)), essential);
}

/* (host, port, command) -> text; an error there is a warning and ends the transaction. */
Datum citus_standin_exec(PG_FUNCTION_ARGS)
{
	char *value = exec_coordinated(fcinfo, true);

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

/* (host, port, command) -> text; an error there is the error here. */
Datum citus_standin_exec_direct(PG_FUNCTION_ARGS)
{
	char *value = exec_coordinated(fcinfo, false);

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

/* (host, port, command, undo) -> text; committed there at once, undone there by an abort here. */
Datum citus_standin_exec_now(PG_FUNCTION_ARGS)
{
	struct remote *r = remote_find(IMMEDIATE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
		PG_GETARG_INT32(1), GetUserNameFromId(GetUserId(), false));
	char *undo = text_to_cstring(PG_GETARG_TEXT_PP(3));

	remote_open(r, ERROR);
	char *value = remote_must(r, text_to_cstring(PG_GETARG_TEXT_PP(2)), false);

	struct undo *u = MemoryContextAlloc(TopTransactionContext, sizeof(*u));
	u->remote = r;
	u->level = GetCurrentTransactionNestLevel();
	u->command = MemoryContextStrdup(TopTransactionContext, undo);
	u->next = undos;
	undos = u;
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

/* The text that the real Citus gives for the outcome of a command on another node. */
static char *outcome_text(PGresult *result, bool *success)
{
	*success = false;
	if (!result_is_ok(result))
		return psprintf("%s:  %s", result_field(result, PG_DIAG_SEVERITY),
			result_field(result, PG_DIAG_MESSAGE_PRIMARY));
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		*success = true;
		return pstrdup(PQcmdStatus(result));
	}
	if (PQntuples(result) > 1)
		return pstrdup("expected a single row in query result");
	if (PQnfields(result) != 1)
		return pstrdup("expected a single column in query target");
	*success = true;
	char *value = result_value(result);
	return value != NULL ? value : pstrdup("");
}

/* (host, port, command) -> (success, result); never raises what happens there. */
Datum citus_standin_try(PG_FUNCTION_ARGS)
{
	struct remote *r = remote_find(IMMEDIATE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
		PG_GETARG_INT32(1), GetUserNameFromId(GetUserId(), false));
	PGresult *result = NULL;
	TupleDesc description;
	bool timed_out, success = false;
	bool nulls[2] = { false, false };
	Datum values[2];
	char *outcome;

	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!remote_is_usable(r)) {
		remote_close(r);
		if (!remote_connect(r, &timed_out))
			remote_close(r);
	}
	if (r->conn == NULL) {
		outcome = psprintf("failed to connect to %s:%d", r->host, r->port);
	} else if ((result = remote_command(r, text_to_cstring(PG_GETARG_TEXT_PP(2)), 0, true)) ==
		   NULL) {
		outcome = psprintf("failed to execute command on %s:%d", r->host, r->port);
		remote_close(r);
	} else {
		outcome = outcome_text(result, &success);
		PQclear(result);
	}
	values[0] = BoolGetDatum(success);
	values[1] = CStringGetTextDatum(outcome);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

/* (host, port, command) -> text; no connection is an error, a command that fails is NULL. */
Datum citus_standin_ask(PG_FUNCTION_ARGS)
{
	struct remote *r = remote_find(IMMEDIATE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
		PG_GETARG_INT32(1), GetUserNameFromId(GetUserId(), false));

	remote_open(r, ERROR);
	PGresult *result = remote_command(r, text_to_cstring(PG_GETARG_TEXT_PP(2)), 0, true);
	if (result == NULL)
		report_connection_failure(r, ERROR, false);
	char *value = result_value(result);
	PQclear(result);
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

/* (host, port) -> boolean; a new connection each time, closed again. */
Datum citus_standin_check_connection(PG_FUNCTION_ARGS)
{
	struct remote *r = remote_find(IMMEDIATE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
		PG_GETARG_INT32(1), GetUserNameFromId(GetUserId(), false));

	remote_close(r);
	bool reached = remote_open(r, WARNING);
	remote_close(r);
	PG_RETURN_BOOL(reached);
}

void remote_ask(const char *host, int port, const char *user, const char *command)
{
	struct remote *r = remote_find(IMMEDIATE, host, port, user);

	if (!remote_open(r, WARNING))
		return;
	PGresult *result = remote_command(r, command, 0, true);
	if (result == NULL)
		report_connection_failure(r, WARNING, false);
	else if (!result_is_ok(result))
		report_result(r, result, WARNING);
	else
		PQclear(result);
}

/* Runs a command at the end of a transaction, where nothing may be raised; true if it worked. */
static bool remote_finish(struct remote *r, const char *command)
{
	if (r->conn == NULL || PQstatus(r->conn) != CONNECTION_OK)
		return false;

	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), END_WAIT_MS);
	PGresult *result = remote_command(r, command, deadline, false);
	bool ok = result != NULL && result_is_ok(result);
	PQclear(result);
	if (!ok)
		remote_close(r);
	return ok;
}

/* A row here says that the prepared transaction there is to be committed. */
static void record_prepared(struct remote *r)
{
	Relation relation = table_open(
		get_relname_relid("pg_dist_transaction", PG_CATALOG_NAMESPACE), RowExclusiveLock);
	char *group = query_locally(psprintf(
		"SELECT groupid FROM pg_catalog.pg_dist_node WHERE nodename = %s AND nodeport = %d",
		quote_literal_cstr(r->host), r->port));
	Datum values[3] = { Int32GetDatum(group != NULL ? atoi(group) : 0),
		CStringGetTextDatum(r->gid), TransactionIdGetDatum(0) };
	bool nulls[3] = { false, false, true };

	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
	table_close(relation, RowExclusiveLock);
}

static void prepare_all(void)
{
	static uint32 prepared_counter;
	bool any = false;

	for (struct remote *r = remotes; r != NULL; r = r->next)
		any |= r->begun || r->lost;
	if (!any)
		return;

	PushActiveSnapshot(GetTransactionSnapshot());
	char *group = query_locally("SELECT groupid FROM pg_catalog.pg_dist_local_group");
	for (struct remote *r = remotes; r != NULL; r = r->next) {
		if (r->lost)
			fail_essential(r);
		if (!r->begun)
			continue;
		snprintf(r->gid, sizeof(r->gid), "citus_%s_%d_%u_%u", group != NULL ? group : "0",
			MyProcPid, transaction_counter, ++prepared_counter);
		record_prepared(r);
		remote_must(
			r, psprintf("PREPARE TRANSACTION %s", quote_literal_cstr(r->gid)), true);
		r->prepared = true;
	}
	PopActiveSnapshot();
}

static void commit_all(void)
{
	for (struct remote *r = remotes; r != NULL; r = r->next) {
		if (!r->prepared)
			continue;

		char command[160];
		snprintf(command, sizeof(command), "COMMIT PREPARED '%s'", r->gid);
		if (!remote_finish(r, command))
			ereport(WARNING, (errmsg("failed to commit transaction on %s:%d", r->host,
						 r->port)));
	}
}

static void abort_remote(struct remote *r)
{
	char command[160];

	if (r->prepared)
		snprintf(command, sizeof(command), "ROLLBACK PREPARED '%s'", r->gid);
	else
		strlcpy(command, "ROLLBACK", sizeof(command));

	/* In the middle of a command: the server rolls back when it sees us gone. */
	if (r->conn != NULL && PQtransactionStatus(r->conn) == PQTRANS_ACTIVE)
		remote_close(r);
	else
		remote_finish(r, command);
}

static void undo_down_to(int level)
{
	for (; undos != NULL && undos->level >= level; undos = undos->next) {
		if (undos->remote->conn != NULL &&
			PQtransactionStatus(undos->remote->conn) == PQTRANS_ACTIVE)
			remote_close(undos->remote);
		remote_finish(undos->remote, undos->command);
	}
}

/* After the end: keep one idle connection a node, if the settings say so. */
static void settle_all(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (struct remote *r = remotes; r != NULL; r = r->next) {
		r->begun = r->prepared = r->lost = false;
		r->level = 0;
		r->identity = NULL;
		if (r->conn == NULL)
			continue;
		if (close_all_after_transaction || citus_max_cached_conns_per_worker == 0 ||
			PQtransactionStatus(r->conn) != PQTRANS_IDLE ||
			(citus_max_cached_connection_lifetime_ms >= 0 &&
				TimestampDifferenceExceeds(r->connected_at, now,
					citus_max_cached_connection_lifetime_ms)))
			remote_close(r);
	}
	close_all_after_transaction = false;
	undos = NULL;
}

static void on_transaction_event(XactEvent event, void *arg)
{
	switch (event) {
	case XACT_EVENT_PRE_COMMIT: prepare_all(); break;
	case XACT_EVENT_COMMIT:
		commit_all();
		settle_all();
		break;
	case XACT_EVENT_ABORT:
		for (struct remote *r = remotes; r != NULL; r = r->next)
			if (r->begun)
				abort_remote(r);
		undo_down_to(0);
		settle_all();
		break;
	case XACT_EVENT_PRE_PREPARE:
		for (struct remote *r = remotes; r != NULL; r = r->next)
			if (r->begun)
				ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot use 2PC in transactions involving "
						       "multiple servers")));
		break;
	default: break;
	}
}

static void abort_subtransaction(struct remote *r, int level)
{
	char command[96];

	if (r->begun_level >= level) {
		abort_remote(r);
		r->begun = r->lost = false;
		r->level = 0;
		return;
	}
	if (r->conn == NULL || PQtransactionStatus(r->conn) == PQTRANS_ACTIVE) {
		remote_close(r);
		r->lost = true;
		return;
	}
	snprintf(command, sizeof(command), "ROLLBACK TO SAVEPOINT s%d; RELEASE SAVEPOINT s%d",
		level, level);
	if (!remote_finish(r, command))
		r->lost = true;
	r->level = level - 1;
}

static void on_subtransaction_event(
	SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
		undo_down_to(level);
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (struct undo *u = undos; u != NULL && u->level >= level; u = u->next)
			u->level = level - 1;
	for (struct remote *r = remotes; r != NULL; r = r->next) {
		if (!r->begun || r->level < level)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			abort_subtransaction(r, level);
		if (event == SUBXACT_EVENT_PRE_COMMIT_SUB) {
			remote_must(r, psprintf("RELEASE SAVEPOINT s%d", level), true);
			r->level = level - 1;
			r->begun_level = Min(r->begun_level, level - 1);
		}
	}
}

void remote_close_after_transaction(void)
{
	close_all_after_transaction = true;
}

void remote_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
