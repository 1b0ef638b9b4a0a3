#include "node/settings_table.h"

#include "base/data_directory.h"

#include "base/banned.h"

const struct setting settings_table[SETTING_COUNT] = {
	[SET_POD_GROUP] = {
		.section = "cluster", .key = "group", .env = "POD_GROUP",
		.type = SETTING_NAME, .flags = SETTING_REQUIRED,
		.help = "The name of the StatefulSet and of its headless service. Nodes are named "
			"GROUP-ORDINAL, and ordinal 0 is the coordinator.",
	},
	[SET_SET_SIZE] = {
		.section = "cluster", .key = "size", .env = "SET_SIZE",
		.type = SETTING_INTEGER, .flags = SETTING_REQUIRED | SETTING_LIVE,
		.min = 1, .max = 255,
		.help = "How many nodes the cluster has, the coordinator included: the replicas of "
			"the StatefulSet.",
	},
	[SET_POD_NAME] = {
		.section = "node", .key = "name", .env = "POD_NAME",
		.type = SETTING_NAME,
		.help = "The name of this node, GROUP-ORDINAL. Without it, the first label of the "
			"host name.",
	},
	[SET_POD_NAMESPACE] = {
		.section = "cluster", .key = "namespace", .env = "POD_NAMESPACE",
		.type = SETTING_NAME, .fallback = "default",
		.help = "The Kubernetes namespace, for the host names of the nodes.",
	},
	[SET_POD_IP] = {
		.section = "node", .key = "ip", .env = "POD_IP",
		.type = SETTING_TEXT, .flags = SETTING_UNUSED,
		.help = "Accepted for older manifests, without effect: nodes are reached by "
			"their names.",
	},
	[SET_ETCD_HOST] = {
		.section = "cluster", .key = "etcd_host", .env = "ETCD_HOST",
		.type = SETTING_TEXT, .flags = SETTING_UNUSED,
		.help = "Accepted for older manifests, without effect.",
	},
	[SET_SUPERPASS] = {
		.section = "secrets", .key = "superpass", .env = "SUPERPASS",
		.type = SETTING_TEXT, .flags = SETTING_SECRET | SETTING_REQUIRED,
		.help = "The password of the role postgres, with which nodes log in to each other. "
			"The same on every node.",
	},
	[SET_ADMINPASS] = {
		.section = "secrets", .key = "adminpass", .env = "ADMINPASS",
		.type = SETTING_TEXT, .flags = SETTING_SECRET | SETTING_REQUIRED,
		.help = "The password of the role admin, which owns the database citusdb.",
	},
	[SET_REPPASS] = {
		.section = "secrets", .key = "reppass", .env = "REPPASS",
		.type = SETTING_TEXT, .flags = SETTING_SECRET | SETTING_REQUIRED,
		.help = "The password of the role replicator, for streaming replication.",
	},
	[SET_PGDATA] = {
		.env = "PGDATA",
		.type = SETTING_PATH, .flags = SETTING_ENV_ONLY, .fallback = DEFAULT_DATA_DIRECTORY,
		.help = "The data directory. The volume is mounted at its parent, which also holds "
			"the lock and the configuration files.",
	},
	[SET_HOST_PATTERN] = {
		.section = "cluster", .key = "host_pattern", .env = "CITUS_INIT_CLUSTER_HOST_PATTERN",
		.type = SETTING_TEXT, .fallback = "{group}-{ordinal}.{group}.{namespace}.svc.{domain}",
		.help = "The host names of the nodes, made of {group}, {ordinal}, {namespace}, "
			"{domain} and plain characters. {domain} is taken from the search line of "
			"/etc/resolv.conf.",
	},
	[SET_PORT] = {
		.section = "postgres", .key = "port", .env = "CITUS_INIT_POSTGRES_PORT",
		.type = SETTING_INTEGER, .min = 1, .max = 65535, .fallback = "5432",
		.help = "The port of PostgreSQL, the same on every node.",
	},
	[SET_LISTEN_ADDRESSES] = {
		.section = "postgres", .key = "listen_addresses",
		.env = "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES",
		.type = SETTING_TEXT, .fallback = "*",
		.help = "The addresses that PostgreSQL listens on, as its listen_addresses.",
	},
	[SET_BIN_DIR] = {
		.section = "postgres", .key = "bin_dir", .env = "CITUS_INIT_POSTGRES_BIN_DIR",
		.type = SETTING_PATH,
		.help = "The directory with the programs postgres and initdb. Without it, the usual "
			"places and PATH are searched for PostgreSQL 18 to 15.",
	},
	[SET_PRELOAD_LIBRARIES] = {
		.section = "postgres", .key = "preload_libraries",
		.env = "CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES",
		.type = SETTING_TEXT,
		.help = "Further shared_preload_libraries, separated by commas. citus is always "
			"loaded, and first.",
	},
	[SET_INITDB_LOCALE] = {
		.section = "initdb", .key = "locale", .env = "CITUS_INIT_INITDB_LOCALE",
		.type = SETTING_TEXT, .fallback = "C.UTF-8",
		.help = "The locale of a new data directory. The same on every node.",
	},
	[SET_INITDB_ARGUMENTS] = {
		.section = "initdb", .key = "arguments", .env = "CITUS_INIT_INITDB_ARGUMENTS",
		.type = SETTING_TEXT,
		.help = "Further arguments of initdb, separated by blanks, e.g. --wal-segsize=64.",
	},
	[SET_SQL_DIRECTORY] = {
		.section = "sql", .key = "directory", .env = "CITUS_INIT_SQL_DIRECTORY",
		.type = SETTING_PATH, .fallback = "/etc/citus-init/sql.d",
		.help = "The directory of the *.sql files that are run once in citusdb, in the "
			"order of their names, when the cluster has been formed. It may be "
			"missing.",
	},
	[SET_HTTP_ADDRESS] = {
		.section = "http", .key = "address", .env = "CITUS_INIT_HTTP_ADDRESS",
		.type = SETTING_TEXT, .fallback = "0.0.0.0:8008",
		.help = "Address and port of probes, metrics and status: a literal address, an "
			"IPv6 one in brackets, such as [::]:8008.",
	},
	[SET_RUN_DIRECTORY] = {
		.section = "run", .key = "directory", .env = "CITUS_INIT_RUN_DIRECTORY",
		.type = SETTING_PATH, .fallback = "/run/citus-init",
		.help = "The directory for sockets and passwords of the running node, best in "
			"memory. Nothing else may use it.",
	},
	[SET_LOG_FORMAT] = {
		.section = "log", .key = "format", .env = "CITUS_INIT_LOG_FORMAT",
		.type = SETTING_CHOICE, .choices = "text json", .fallback = "text",
		.help = "The form of citus-init's own log lines.",
	},
	[SET_LOG_LEVEL] = {
		.section = "log", .key = "level", .env = "CITUS_INIT_LOG_LEVEL",
		.type = SETTING_CHOICE, .choices = "debug info warning error", .fallback = "info",
		.help = "The lowest level of citus-init's own log lines that are written.",
	},
	[SET_RESTART_LIMIT] = {
		.section = "restart", .key = "limit", .env = "CITUS_INIT_RESTART_LIMIT",
		.type = SETTING_INTEGER, .min = 0, .max = 1000, .fallback = "5",
		.help = "How often PostgreSQL is restarted in place within the window below before "
			"the container ends.",
	},
	[SET_RESTART_WINDOW] = {
		.section = "restart", .key = "window", .env = "CITUS_INIT_RESTART_WINDOW",
		.type = SETTING_SECONDS, .min = 1, .max = 24 * 3600, .fallback = "60s",
		.help = "The time in which restarts are counted.",
	},
	[SET_STOP_DEADLINE] = {
		.section = "stop", .key = "deadline", .env = "CITUS_INIT_STOP_DEADLINE",
		.type = SETTING_SECONDS, .min = 5, .max = 3600, .fallback = "25s",
		.help = "The time in which PostgreSQL must have stopped; keep it below the "
			"grace period of the pod (terminationGracePeriodSeconds).",
	},
	[SET_GRACE_PERIOD] = {
		.section = "cluster", .key = "grace_period", .env = "CITUS_INIT_GRACE_PERIOD",
		.type = SETTING_SECONDS, .min = 1, .max = 24 * 3600, .fallback = "60s",
		.help = "How long a member may be away before other nodes' registration and "
			"repair go on without it. Its shards stay where they are, and it is "
			"brought up to date when it is back. Only ordinal 0 uses it.",
	},
	[SET_PAUSE] = {
		.section = "cluster", .key = "pause", .env = "CITUS_INIT_PAUSE",
		.type = SETTING_CHOICE, .choices = "no yes", .fallback = "no",
		.help = "With \"yes\" the coordinator looks at the nodes and says what it would "
			"do, and registers, repairs and frees nobody; members that come back "
			"are still let in. It does the same as the command \"citus-init "
			"pause\", but \"citus-init resume\" cannot end it. Only ordinal 0 uses "
			"it.",
	},
	[SET_CONFIG_FILE] = {
		.env = "CITUS_INIT_CONFIG_FILE",
		.type = SETTING_PATH, .flags = SETTING_ENV_ONLY,
		.fallback = "/etc/citus-init/citus-init.ini",
		.help = "The INI file. The default one may be missing; one that is named here "
			"must exist.",
	},
};

static void print_values(FILE *out, const struct setting *s)
{
	const char *what[] = {
		[SETTING_TEXT] = "text",
		[SETTING_NAME] = "DNS label",
		[SETTING_INTEGER] = "number",
		[SETTING_SECONDS] = "time",
		[SETTING_PATH] = "absolute path",
	};

	if (s->type == SETTING_CHOICE) {
		fprintf(out, "one of %s", s->choices);
		return;
	}
	fputs(s->flags & SETTING_SECRET ? "password" : what[s->type], out);
	if (s->type == SETTING_INTEGER)
		fprintf(out, ", %ld to %ld", s->min, s->max);
	if (s->type == SETTING_SECONDS)
		fprintf(out, " (25, 25s or 2min), %lds to %lds", s->min, s->max);
}

/* A "|" would end the table's cell. */
static void print_cell(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void print_markdown_row(FILE *out, const struct setting *s)
{
	fprintf(out, "| `%s`", s->env);
	if (s->flags & SETTING_SECRET)
		fprintf(out, "<br>or `%s_FILE`", s->env);
	if (s->section)
		fprintf(out, " | `[%s]`<br>`%s` | ", s->section, s->key);
	else
		fprintf(out, " | | ");
	print_values(out, s);
	if (s->fallback)
		fprintf(out, " | `%s` | ", s->fallback);
	else
		fprintf(out, " | %s | ", s->flags & SETTING_REQUIRED ? "**required**" : "");
	print_cell(out, s->help);
	if (s->flags & SETTING_LIVE)
		fprintf(out, " In the INI file it can be changed while the node runs, and wins "
			     "over the environment.");
	fprintf(out, " |\n");
}

void settings_print_markdown(FILE *out)
{
	fprintf(out,
		"# Settings\n\n"
		"Made by `citus-init settings --markdown` from the table by which the program "
		"reads its settings.\n\n"
		"Each setting is an environment variable, a key of the INI file, or both: then "
		"the environment wins, except for a setting that can change while the node "
		"runs. A password can also be the content of a file that `<VARIABLE>_FILE` "
		"names (one newline at its end is left out); a variable and its `_FILE` "
		"together are an error. An empty variable counts as not set, except for a "
		"password. There are no default passwords.\n\n"
		"A key of the INI file or a variable `CITUS_INIT_...` that is not in this list "
		"is an error, except for variables that begin with `CITUS_INIT_LOCAL_` and "
		"those that Kubernetes makes of a service's name. A comment in the INI file "
		"begins with `#` or `;` at the start of a line, or with a blank and `;` after a "
		"value. All errors are reported together.\n\n"
		"| Variable | INI | Values | Default | Meaning |\n"
		"|---|---|---|---|---|\n");
	for (size_t i = 0; i < SETTING_COUNT; i++)
		print_markdown_row(out, &settings_table[i]);
}

void settings_print_help(FILE *out)
{
	fprintf(out, "settings (environment variable, values, [default]):\n");
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *s = &settings_table[i];

		if (s->flags & SETTING_UNUSED)
			continue;
		fprintf(out, "  %s%s%s%s  ", s->env, s->flags & SETTING_SECRET ? " or " : "",
			s->flags & SETTING_SECRET ? s->env : "",
			s->flags & SETTING_SECRET ? "_FILE" : "");
		print_values(out, s);
		if (s->fallback)
			fprintf(out, "  [%s]", s->fallback);
		else if (s->flags & SETTING_REQUIRED)
			fprintf(out, "  (required)");
		fprintf(out, "\n        %s\n", s->help);
	}
}
