/*
 * Part of the stand-in for Citus that the tests of citus-init use; never for production.
 *
 * The citus.* settings that citus-init's templates and sessions set, with the types, limits and
 * contexts of the real ones: a server started with our configuration must accept and refuse the
 * same lines. Few of them do anything here; those have a variable of their own.
 */
#include "standin.h"

#include <limits.h>

#include "libpq-fe.h"
#include "miscadmin.h"
#include "utils/guc.h"

#define WEEK_MS (7 * 24 * 3600 * 1000)

/* SHOW knows these, pg_settings does not. */
#define HIDDEN (GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

char *citus_node_conninfo;
int citus_node_connection_timeout_ms;
int citus_max_cached_conns_per_worker;
int citus_max_cached_connection_lifetime_ms;
int citus_recover_2pc_interval_ms;
double citus_deadlock_detection_factor;
bool citus_enable_ddl_propagation;
bool citus_enable_create_role_propagation;
bool citus_enable_alter_role_propagation;
bool citus_enable_version_checks;

static int max_shared_pool_size;
static int local_shared_pool_size;

struct bool_setting {
	const char *name;
	bool boot;
	GucContext context;
	int flags;
	bool *variable;
	bool value;
};

struct int_setting {
	const char *name;
	int boot, min, max;
	GucContext context;
	int flags;
	int *variable;
	int value;
};

struct real_setting {
	const char *name;
	double boot, min, max;
	GucContext context;
	double *variable;
	double value;
};

struct string_setting {
	const char *name;
	const char *boot;
	GucContext context;
	char *value;
};

struct enum_setting {
	const char *name;
	const struct config_enum_entry *options;
	GucContext context;
	int flags;
	int value;
};

static struct bool_setting bools[] = {
	{ "citus.check_available_space_before_move", true, PGC_USERSET, HIDDEN },
	{ "citus.defer_drop_after_shard_move", true, PGC_USERSET },
	{ "citus.defer_drop_after_shard_split", true, PGC_USERSET },
	{ "citus.enable_alter_database_owner", true, PGC_USERSET, HIDDEN },
	{ "citus.enable_alter_role_propagation", true, PGC_USERSET, HIDDEN,
		&citus_enable_alter_role_propagation },
	{ "citus.enable_alter_role_set_propagation", true, PGC_USERSET, HIDDEN },
	{ "citus.enable_binary_protocol", true, PGC_USERSET },
	{ "citus.enable_change_data_capture", false, PGC_USERSET },
	{ "citus.enable_create_database_propagation", false, PGC_USERSET },
	{ "citus.enable_create_role_propagation", true, PGC_USERSET, 0,
		&citus_enable_create_role_propagation },
	{ "citus.enable_ddl_propagation", true, PGC_USERSET, HIDDEN,
		&citus_enable_ddl_propagation },
	{ "citus.enable_deadlock_prevention", true, PGC_USERSET },
	{ "citus.enable_local_execution", true, PGC_USERSET },
	{ "citus.enable_local_reference_table_foreign_keys", true, PGC_USERSET },
	{ "citus.enable_manual_changes_to_shards", false, PGC_USERSET, HIDDEN },
	{ "citus.enable_metadata_sync", true, PGC_USERSET, HIDDEN },
	{ "citus.enable_repartition_joins", false, PGC_USERSET },
	{ "citus.enable_schema_based_sharding", false, PGC_USERSET },
	{ "citus.enable_stat_counters", false, PGC_SUSET },
	{ "citus.enable_statistics_collection", false, PGC_SIGHUP },
	{ "citus.enable_unsafe_triggers", false, PGC_USERSET, HIDDEN },
	{ "citus.enable_version_checks", true, PGC_USERSET, HIDDEN, &citus_enable_version_checks },
	{ "citus.log_remote_commands", false, PGC_USERSET },
	{ "citus.override_table_visibility", true, PGC_USERSET, HIDDEN },
	{ "citus.use_citus_managed_tables", false, PGC_USERSET },
	{ "citus.writable_standby_coordinator", false, PGC_USERSET },
};

static struct int_setting ints[] = {
	{ "citus.background_task_queue_interval", 5000, -1, WEEK_MS, PGC_SIGHUP, GUC_UNIT_MS },
	{ "citus.cpu_priority", 0, -20, 19, PGC_SUSET },
	{ "citus.defer_shard_delete_interval", 15000, -1, WEEK_MS, PGC_SIGHUP, GUC_UNIT_MS },
	{ "citus.max_adaptive_executor_pool_size", 16, 1, INT_MAX, PGC_USERSET },
	{ "citus.max_background_task_executors", 1, 1, 1000, PGC_SIGHUP },
	{ "citus.max_background_task_executors_per_node", 1, 1, 128, PGC_SIGHUP },
	{ "citus.max_cached_connection_lifetime", 600000, -1, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
		&citus_max_cached_connection_lifetime_ms },
	{ "citus.max_cached_conns_per_worker", 1, 0, INT_MAX, PGC_USERSET, 0,
		&citus_max_cached_conns_per_worker },
	{ "citus.max_high_priority_background_processes", 2, 0, 10000, PGC_SUSET },
	{ "citus.max_intermediate_result_size", 1048576, -1, INT_MAX, PGC_USERSET, GUC_UNIT_KB },
	{ "citus.max_worker_nodes_tracked", 2048, 1024, INT_MAX, PGC_POSTMASTER },
	{ "citus.metadata_sync_interval", 60000, 1, WEEK_MS, PGC_SIGHUP, GUC_UNIT_MS | HIDDEN },
	{ "citus.metadata_sync_retry_interval", 5000, 1, WEEK_MS, PGC_SIGHUP,
		GUC_UNIT_MS | HIDDEN },
	{ "citus.node_connection_timeout", 30000, 10, 3600000, PGC_USERSET, GUC_UNIT_MS,
		&citus_node_connection_timeout_ms },
	{ "citus.recover_2pc_interval", 60000, -1, WEEK_MS, PGC_SIGHUP, GUC_UNIT_MS,
		&citus_recover_2pc_interval_ms },
	{ "citus.remote_task_check_interval", 10, 1, INT_MAX, PGC_USERSET, GUC_UNIT_MS },
	{ "citus.shard_count", 32, 1, 64000, PGC_USERSET },
	{ "citus.shard_replication_factor", 1, 1, 100, PGC_USERSET },
	{ "citus.stat_tenants_limit", 100, 1, 10000, PGC_POSTMASTER },
	{ "citus.stat_tenants_period", 60, 1, 86400, PGC_USERSET },
};

static struct real_setting reals[] = {
	{ "citus.desired_percent_disk_available_after_move", 10, 0, 100, PGC_SIGHUP },
	{ "citus.distributed_deadlock_detection_factor", 2, -1, 1000, PGC_SIGHUP,
		&citus_deadlock_detection_factor },
	{ "citus.stat_tenants_untracked_sample_rate", 1, 0, 1, PGC_USERSET },
};

static struct string_setting strings[] = {
	{ "citus.cluster_name", "default", PGC_SU_BACKEND },
	{ "citus.local_hostname", "localhost", PGC_SUSET },
	{ "citus.show_shards_for_app_name_prefixes", "", PGC_USERSET },
	{ "citus.superuser", "", PGC_SUSET },
	{ "citus.version", STANDIN_LIBRARY_VERSION ".0", PGC_INTERNAL },
};

static const struct config_enum_entry none_all[] = { { "none", 0 }, { "all", 1 }, { NULL } };
static const struct config_enum_entry never_always[] = { { "never", 0 }, { "always", 1 },
	{ NULL } };
static const struct config_enum_entry sync_modes[] = { { "transactional", 0 },
	{ "nontransactional", 1 }, { NULL } };
static const struct config_enum_entry modify_modes[] = { { "parallel", 0 }, { "sequential", 1 },
	{ NULL } };
static const struct config_enum_entry propagate_sets[] = { { "none", 0 }, { "local", 1 },
	{ NULL } };
static const struct config_enum_entry task_policies[] = { { "greedy", 0 }, { "first-replica", 1 },
	{ "round-robin", 2 }, { NULL } };

static struct enum_setting enums[] = {
	{ "citus.metadata_sync_mode", sync_modes, PGC_SUSET, GUC_SUPERUSER_ONLY | HIDDEN },
	{ "citus.multi_shard_modify_mode", modify_modes, PGC_USERSET },
	{ "citus.propagate_set_commands", propagate_sets, PGC_USERSET },
	{ "citus.stat_statements_track", none_all, PGC_SUSET },
	{ "citus.stat_tenants_track", none_all, PGC_SUSET },
	{ "citus.task_assignment_policy", task_policies, PGC_USERSET },
	{ "citus.use_secondary_nodes", never_always, PGC_SU_BACKEND },
};

static const char *const allowed_conninfo_keywords[] = { "connect_timeout", "host", "keepalives",
	"keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "sslcert",
	"sslcompression", "sslcrl", "sslkey", "sslmode", "sslrootcert", "tcp_user_timeout" };

static bool keyword_is_allowed(const char *keyword)
{
	for (size_t i = 0; i < lengthof(allowed_conninfo_keywords); i++)
		if (strcmp(keyword, allowed_conninfo_keywords[i]) == 0)
			return true;
	return false;
}

static bool check_node_conninfo(char **value, void **extra, GucSource source)
{
	char *error = NULL;
	const char *prohibited = NULL;

	if (*value == NULL)
		return true;

	PQconninfoOption *options = PQconninfoParse(*value, &error);
	if (options == NULL) {
		GUC_check_errdetail("%s", error != NULL ? error : "out of memory");
		PQfreemem(error);
		return false;
	}
	for (PQconninfoOption *option = options; option->keyword != NULL; option++)
		if (option->val != NULL && *option->val != '\0' &&
			!keyword_is_allowed(option->keyword))
			prohibited = option->keyword;
	if (prohibited != NULL)
		GUC_check_errdetail("Prohibited conninfo keyword detected: %s", prohibited);
	PQconninfoFree(options);
	return prohibited == NULL;
}

static void assign_node_conninfo(const char *value, void *extra)
{
	if (citus_node_conninfo != NULL && value != NULL && strcmp(value, citus_node_conninfo) != 0)
		remote_close_after_transaction();
}

static const char *show_max_shared_pool_size(void)
{
	return psprintf("%d", max_shared_pool_size == 0 ? MaxConnections : max_shared_pool_size);
}

static const char *show_local_shared_pool_size(void)
{
	return psprintf(
		"%d", local_shared_pool_size == 0 ? MaxConnections / 2 : local_shared_pool_size);
}

static void define_int(struct int_setting *setting)
{
	int *variable = setting->variable != NULL ? setting->variable : &setting->value;

	DefineCustomIntVariable(setting->name, "See the Citus documentation.", NULL, variable,
		setting->boot, setting->min, setting->max, setting->context, setting->flags, NULL,
		NULL, NULL);
}

void settings_define(void)
{
	static const char *const help = "See the Citus documentation.";
	struct int_setting max_client_connections = { "citus.max_client_connections", -1, -1,
		MaxConnections, PGC_SUSET };
	static int max_client_connections_value;

	for (size_t i = 0; i < lengthof(bools); i++) {
		struct bool_setting *s = &bools[i];

		DefineCustomBoolVariable(s->name, help, NULL,
			s->variable != NULL ? s->variable : &s->value, s->boot, s->context,
			s->flags, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(ints); i++)
		define_int(&ints[i]);
	for (size_t i = 0; i < lengthof(reals); i++) {
		struct real_setting *s = &reals[i];

		DefineCustomRealVariable(s->name, help, NULL,
			s->variable != NULL ? s->variable : &s->value, s->boot, s->min, s->max,
			s->context, 0, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(strings); i++) {
		struct string_setting *s = &strings[i];

		DefineCustomStringVariable(
			s->name, help, NULL, &s->value, s->boot, s->context, 0, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(enums); i++) {
		struct enum_setting *s = &enums[i];

		DefineCustomEnumVariable(s->name, help, NULL, &s->value, s->options[0].val,
			s->options, s->context, s->flags, NULL, NULL, NULL);
	}

	max_client_connections.variable = &max_client_connections_value;
	define_int(&max_client_connections);
	DefineCustomIntVariable("citus.max_shared_pool_size", help, NULL, &max_shared_pool_size, 0,
		-1, INT_MAX, PGC_SIGHUP, 0, NULL, NULL, show_max_shared_pool_size);
	DefineCustomIntVariable("citus.local_shared_pool_size", help, NULL, &local_shared_pool_size,
		0, -1, INT_MAX, PGC_SIGHUP, 0, NULL, NULL, show_local_shared_pool_size);
	DefineCustomStringVariable("citus.node_conninfo", help, NULL, &citus_node_conninfo,
		"sslmode=require", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_node_conninfo,
		assign_node_conninfo, NULL);
	MarkGUCPrefixReserved("citus");
}
