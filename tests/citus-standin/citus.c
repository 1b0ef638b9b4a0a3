/*
 * Part of the stand-in for Citus that the tests of citus-init use; never for production.
 *
 * The entry of the library: the rule that it is preloaded, and preloaded first, the hooks, and the
 * few SQL functions that cannot be written in PL/pgSQL. The rest of the extension is sql/.
 */
#include "standin.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/explain.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(citus_standin_check_version);
PG_FUNCTION_INFO_V1(citus_standin_version);
PG_FUNCTION_INFO_V1(citus_standin_assign_transaction_id);
PG_FUNCTION_INFO_V1(citus_standin_depend_on_extension);
PG_FUNCTION_INFO_V1(citus_standin_shard_id);

void _PG_init(void);

static ExecutorStart_hook_type previous_executor_start;
static ProcessUtility_hook_type previous_process_utility;

/* "13.2-1" -> 13 and 2; false for anything else. */
static bool parse_version(const char *text, int *major, int *minor)
{
	return text != NULL && sscanf(text, "%d.%d", major, minor) == 2;
}

/* One minor version apart is compatible; what follows the hyphen does not count. */
static bool version_is_compatible(const char *text)
{
	int major, minor, own_major, own_minor;

	if (!parse_version(text, &major, &minor) ||
		!parse_version(STANDIN_LIBRARY_VERSION, &own_major, &own_minor))
		return false;
	return major == own_major && abs(minor - own_minor) <= 1;
}

/* Compares the library with the files on disk and with the extension; once in a session. */
static void check_version(void)
{
	static bool compatible;

	if (compatible || !citus_enable_version_checks)
		return;
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute("SELECT a.default_version, e.extversion "
			    "FROM pg_catalog.pg_available_extensions a, pg_catalog.pg_extension e "
			    "WHERE a.name = 'citus' AND e.extname = 'citus'",
			true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not look up the version of the extension");

	char *available = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	char *installed = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	if (!version_is_compatible(available))
		ereport(ERROR,
			(errmsg("loaded Citus library version differs from latest available "
				"extension version"),
				errdetail("Loaded library requires %s, but the latest control "
					  "file specifies %s.",
					STANDIN_LIBRARY_VERSION, available),
				errhint("Restart the database to load the latest Citus library.")));
	if (!version_is_compatible(installed))
		ereport(ERROR,
			(errmsg("loaded Citus library version differs from installed extension "
				"version"),
				errdetail("Loaded library requires %s, but the installed "
					  "extension version is %s.",
					STANDIN_LIBRARY_VERSION, installed),
				errhint("Run ALTER EXTENSION citus UPDATE and try again.")));
	SPI_finish();
	compatible = true;
}

Datum citus_standin_check_version(PG_FUNCTION_ARGS)
{
	check_version();
	PG_RETURN_VOID();
}

Datum citus_standin_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		cstring_to_text("Citus " STANDIN_LIBRARY_VERSION ".0-standin on " PG_VERSION_STR));
}

/* The first thing that another node calls in its transaction here. */
Datum citus_standin_assign_transaction_id(PG_FUNCTION_ARGS)
{
	check_version();
	PG_RETURN_VOID();
}

/* (class, object): DROP EXTENSION ... CASCADE drops the object too. */
Datum citus_standin_depend_on_extension(PG_FUNCTION_ARGS)
{
	ObjectAddress extension = { ExtensionRelationId, get_extension_oid("citus", false), 0 };
	ObjectAddress object = { PG_GETARG_OID(0), PG_GETARG_OID(1), 0 };

	recordDependencyOn(&object, &extension, DEPENDENCY_NORMAL);
	PG_RETURN_VOID();
}

/* (table, value of any type) -> the shard that holds the value. */
Datum citus_standin_shard_id(PG_FUNCTION_ARGS)
{
	Oid type, output, argument_types[2] = { OIDOID, TEXTOID };
	bool varlena, is_null;
	Datum values[2];
	char nulls[3] = "  ";

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				       errmsg("relation cannot be NULL")));
	values[0] = PG_GETARG_DATUM(0);
	if (PG_ARGISNULL(1)) {
		nulls[1] = 'n';
	} else {
		type = get_fn_expr_argtype(fcinfo->flinfo, 1);
		getTypeOutputInfo(type, &output, &varlena);
		values[1] = CStringGetTextDatum(OidOutputFunctionCall(output, PG_GETARG_DATUM(1)));
	}
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT citus_internal.shard_of($1, $2)", 2, argument_types,
			values, nulls, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look up the shard");
	Datum shard = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	SPI_finish();
	if (is_null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(shard);
}

static void on_executor_start(QueryDesc *query, int flags)
{
	if (MyBackendType == B_BACKEND && OidIsValid(MyDatabaseId))
		daemon_ensure();
	if (previous_executor_start != NULL)
		previous_executor_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/* Hands a role that was made or changed here to the SQL function that sends it on. */
static void propagate_role(const char *function, const char *role)
{
	Oid types[1] = { TEXTOID };
	Datum values[1] = { CStringGetTextDatum(role) };

	if (!OidIsValid(get_extension_oid("citus", true)))
		return;
	CommandCounterIncrement();
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args(psprintf("SELECT citus_internal.%s($1)", function), 1, types,
			values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not propagate role \"%s\"", role);
	SPI_finish();
}

static void before_utility(Node *statement)
{
	ListCell *cell;

	if (IsA(statement, DropdbStmt)) {
		Oid database = get_database_oid(((DropdbStmt *)statement)->dbname, true);

		if (OidIsValid(database) && database != MyDatabaseId)
			daemon_stop(database);
	}
	if (IsA(statement, DropRoleStmt) && citus_enable_ddl_propagation &&
		citus_enable_create_role_propagation)
		foreach (cell, ((DropRoleStmt *)statement)->roles) {
			RoleSpec *role = lfirst(cell);

			if (role->roletype == ROLESPEC_CSTRING)
				propagate_role("drop_role", role->rolename);
		}
}

static void after_utility(Node *statement)
{
	if (!citus_enable_ddl_propagation)
		return;
	if (IsA(statement, CreateRoleStmt) && citus_enable_create_role_propagation)
		propagate_role("create_role", ((CreateRoleStmt *)statement)->role);
	if (IsA(statement, AlterRoleStmt) && citus_enable_alter_role_propagation &&
		((AlterRoleStmt *)statement)->role->roletype == ROLESPEC_CSTRING)
		propagate_role("alter_role", ((AlterRoleStmt *)statement)->role->rolename);
}

static void on_process_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
	ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
	DestReceiver *destination, QueryCompletion *completion)
{
	bool is_watched = IsTransactionState() && OidIsValid(MyDatabaseId);

	if (is_watched)
		before_utility(planned->utilityStmt);
	if (previous_process_utility != NULL)
		previous_process_utility(planned, query, read_only_tree, context, parameters,
			environment, destination, completion);
	else
		standard_ProcessUtility(planned, query, read_only_tree, context, parameters,
			environment, destination, completion);
	if (is_watched)
		after_utility(planned->utilityStmt);
}

static void override_max_prepared_transactions(void)
{
	char value[16];

#if PG_VERSION_NUM >= 160000
	if (strcmp(GetConfigOptionResetString("max_prepared_transactions"), "0") != 0)
		return;
#endif
	if (max_prepared_xacts != 0)
		return;
	snprintf(value, sizeof(value), "%d", MaxConnections * 2);
	ereport(LOG, (errmsg("number of prepared transactions has not been configured, overriding"),
			     errdetail("max_prepared_transactions is now set to %s", value)));
	SetConfigOption("max_prepared_transactions", value, PGC_POSTMASTER, PGC_S_OVERRIDE);
}

void _PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
			(errmsg("Citus can only be loaded via shared_preload_libraries"),
				errhint("Add citus to shared_preload_libraries configuration "
					"variable in postgresql.conf in master and workers. Note "
					"that citus should be at the beginning of "
					"shared_preload_libraries.")));
	if (planner_hook != NULL || ProcessUtility_hook != NULL || ExecutorStart_hook != NULL ||
		ExecutorRun_hook != NULL || ExplainOneQuery_hook != NULL)
		ereport(ERROR,
			(errmsg("Citus has to be loaded first"),
				errhint("Place citus at the beginning of shared_preload_libraries.")));

	settings_define();
	override_max_prepared_transactions();
	/* Grouped results of distributed tables are made on the workers. */
	SetConfigOption(
		"enable_partitionwise_aggregate", "on", PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);
	daemon_init();
	remote_init();

	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = on_executor_start;
	previous_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_process_utility;
}
