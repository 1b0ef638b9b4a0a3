/*
 * Part of the stand-in for Citus that the tests of citus-init use; never for production.
 *
 * The maintenance daemon: a background worker for each database that has the extension, started by
 * the first statement of a session in it. It asks every other metadata node one question as often
 * as the real daemon looks for distributed deadlocks, over a cached connection, and repairs what is
 * left to it: nodes whose copy of the metadata is out of date, and prepared transactions.
 *
 * Its one purpose in the tests is its flaw. SIGTERM only sets a flag that the main loop looks at,
 * and the loop does not come round while an answer is awaited: with one frozen peer a fast shutdown
 * never ends. SIGQUIT ends it.
 */
#include "standin.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#define MAX_DAEMONS	64
#define STARTING_MS	10000
#define STOP_WAIT_MS	10000
#define RESTART_SECONDS 5
#define TICK_MS		2000

/* So that a round that comes a little early still counts. */
#define SLACK_MS 100

struct daemon_slot {
	Oid database;
	pid_t pid;
	TimestampTz started_at;
};

struct daemon_table {
	LWLock *lock;
	struct daemon_slot slots[MAX_DAEMONS];
};

struct peer {
	char *host;
	int port;
};

static struct daemon_table *table;
static volatile sig_atomic_t got_sigterm;
static shmem_request_hook_type previous_shmem_request_hook;
static shmem_startup_hook_type previous_shmem_startup_hook;

PGDLLEXPORT void citus_standin_daemon_main(Datum arg);

static void request_shared_memory(void)
{
	if (previous_shmem_request_hook != NULL)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(sizeof(struct daemon_table));
	RequestNamedLWLockTranche("citus_standin", 1);
}

static void attach_shared_memory(void)
{
	bool found;

	if (previous_shmem_startup_hook != NULL)
		previous_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("citus stand-in daemons", sizeof(*table), &found);
	if (!found) {
		memset(table, 0, sizeof(*table));
		table->lock = &GetNamedLWLockTranche("citus_standin")->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void daemon_init(void)
{
	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_shared_memory;
}

/* The slot of the database; with none, a free one or NULL. The lock is held. */
static struct daemon_slot *find_slot(Oid database)
{
	struct daemon_slot *unused = NULL;

	for (int i = 0; i < MAX_DAEMONS; i++) {
		if (table->slots[i].database == database)
			return &table->slots[i];
		if (table->slots[i].database == InvalidOid && unused == NULL)
			unused = &table->slots[i];
	}
	return unused;
}

static bool slot_is_taken(const struct daemon_slot *slot)
{
	if (slot->database == InvalidOid)
		return false;
	return slot->pid != 0 ||
	       !TimestampDifferenceExceeds(slot->started_at, GetCurrentTimestamp(), STARTING_MS);
}

/* The owner of the extension in this database, or InvalidOid without it. */
static Oid extension_owner(void)
{
	Oid owner = InvalidOid;
	ScanKeyData key;
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
		CStringGetDatum("citus"));
	SysScanDesc scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension)GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return owner;
}

static bool start_worker(Oid owner)
{
	BackgroundWorker worker = { 0 };
	BackgroundWorkerHandle *handle;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = RESTART_SECONDS;
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	strlcpy(worker.bgw_library_name, "citus", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "citus_standin_daemon_main",
		sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "Citus Maintenance Daemon: %u/%u",
		MyDatabaseId, owner);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "Citus Maintenance Daemon: %u/%u",
		MyDatabaseId, owner);
	memcpy(worker.bgw_extra, &owner, sizeof(owner));
	return RegisterDynamicBackgroundWorker(&worker, &handle);
}

void daemon_ensure(void)
{
	bool start = false;

	LWLockAcquire(table->lock, LW_SHARED);
	struct daemon_slot *slot = find_slot(MyDatabaseId);
	bool taken = slot == NULL || slot_is_taken(slot);
	LWLockRelease(table->lock);
	if (taken || creating_extension || RecoveryInProgress())
		return;

	Oid owner = extension_owner();
	if (owner == InvalidOid)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	slot = find_slot(MyDatabaseId);
	if (slot != NULL && !slot_is_taken(slot)) {
		*slot = (struct daemon_slot){ .database = MyDatabaseId,
			.started_at = GetCurrentTimestamp() };
		start = true;
	}
	LWLockRelease(table->lock);
	if (start && !start_worker(owner))
		ereport(WARNING, (errmsg("could not start maintenance background worker"),
					 errhint("Increasing max_worker_processes might help.")));
}

void daemon_stop(Oid database)
{
	for (int waited_ms = 0; waited_ms < STOP_WAIT_MS; waited_ms += 20) {
		pid_t pid = 0;

		LWLockAcquire(table->lock, LW_SHARED);
		struct daemon_slot *slot = find_slot(database);
		if (slot != NULL && slot->database == database)
			pid = slot->pid;
		LWLockRelease(table->lock);
		if (pid == 0)
			return;
		kill(pid, SIGTERM);
		CHECK_FOR_INTERRUPTS();
		pg_usleep(20000);
	}
}

static void leave_slot(int code, Datum arg)
{
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	struct daemon_slot *slot = find_slot(DatumGetObjectId(arg));
	if (slot != NULL && slot->pid == MyProcPid)
		memset(slot, 0, sizeof(*slot));
	LWLockRelease(table->lock);
}

static void take_slot(Oid database)
{
	bool mine = false;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	struct daemon_slot *slot = find_slot(database);
	if (slot != NULL && slot->pid == 0) {
		*slot = (struct daemon_slot){
			.database = database, .pid = MyProcPid, .started_at = GetCurrentTimestamp()
		};
		mine = true;
	}
	LWLockRelease(table->lock);
	if (!mine)
		proc_exit(0);
	before_shmem_exit(leave_slot, ObjectIdGetDatum(database));
}

/* Nothing but a flag: the source of the hang that the tests are about. */
static void on_sigterm(SIGNAL_ARGS)
{
	int saved_errno = errno;

	got_sigterm = true;
	SetLatch(MyLatch);
	errno = saved_errno;
}

static void begin(void)
{
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* Runs one of the extension's functions in a transaction of its own. */
static void run(const char *query)
{
	begin();
	pgstat_report_activity(STATE_RUNNING, query);
	SPI_execute(query, false, 0);
	commit();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* False when the extension has gone. The list lives in the caller's context. */
static bool look_up_peers(MemoryContext context, List **peers)
{
	bool present;

	begin();
	present = extension_owner() != InvalidOid;
	if (present)
		SPI_execute(
			"SELECT nodename, nodeport FROM pg_catalog.pg_dist_node "
			"WHERE isactive AND hasmetadata AND noderole = 'primary' AND groupid <> "
			"(SELECT groupid FROM pg_catalog.pg_dist_local_group) ORDER BY 1, 2",
			true, 0);
	for (uint64 i = 0; present && i < SPI_processed; i++) {
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc description = SPI_tuptable->tupdesc;
		MemoryContext previous = MemoryContextSwitchTo(context);
		struct peer *peer = palloc(sizeof(*peer));

		peer->host = pstrdup(SPI_getvalue(row, description, 1));
		peer->port = atoi(SPI_getvalue(row, description, 2));
		*peers = lappend(*peers, peer);
		MemoryContextSwitchTo(previous);
	}
	commit();
	return present;
}

/* Connecting and reading names need a transaction; only the local one is open meanwhile. */
static void ask_peers(List *peers, const char *user)
{
	ListCell *cell;

	foreach (cell, peers) {
		struct peer *peer = lfirst(cell);

		if (got_sigterm)
			return;
		StartTransactionCommand();
		remote_ask(peer->host, peer->port, user, "SELECT 1");
		CommitTransactionCommand();
	}
}

static bool is_due(TimestampTz *last, double interval_ms)
{
	TimestampTz now = GetCurrentTimestamp();

	if (interval_ms < 0 || !TimestampDifferenceExceeds(*last, now, (int)interval_ms))
		return false;
	*last = now;
	return true;
}

void citus_standin_daemon_main(Datum arg)
{
	Oid database = DatumGetObjectId(arg), owner;
	TimestampTz asked = 0, recovered = GetCurrentTimestamp();

	memcpy(&owner, MyBgworkerEntry->bgw_extra, sizeof(owner));
	pqsignal(SIGTERM, on_sigterm);
	pqsignal(SIGINT, SIG_IGN);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	take_slot(database);
	BackgroundWorkerInitializeConnectionByOid(database, owner, 0);
	pgstat_report_appname("Citus Maintenance Daemon");
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);

	StartTransactionCommand();
	char *user = MemoryContextStrdup(TopMemoryContext, GetUserNameFromId(owner, false));
	CommitTransactionCommand();
	MemoryContext round = AllocSetContextCreate(
		TopMemoryContext, "citus stand-in round", ALLOCSET_DEFAULT_SIZES);

	while (!got_sigterm) {
		List *peers = NIL;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextReset(round);
		if (!look_up_peers(round, &peers))
			break;
		if (citus_deadlock_detection_factor >= 0 &&
			is_due(&asked,
				citus_deadlock_detection_factor * DeadlockTimeout - SLACK_MS))
			ask_peers(peers, user);
		if (!got_sigterm && is_due(&recovered, citus_recover_2pc_interval_ms))
			run("SELECT recover_prepared_transactions()");
		if (!got_sigterm)
			run("SELECT citus_internal.maintain()");
		if (got_sigterm)
			break;
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, TICK_MS,
			PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
}
