#include "node/server_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/databases.h"

#include "base/banned.h"

static char *port(const struct render_input *node)
{
	return xasprintf("%d", node->identity->port);
}

static char *listen_addresses(const struct render_input *node)
{
	return xstrdup(settings_text(node->settings, SET_LISTEN_ADDRESSES));
}

static char *socket_directory(const struct render_input *node)
{
	return xasprintf("%s/socket", settings_text(node->settings, SET_RUN_DIRECTORY));
}

static char *hba_file(const struct render_input *node)
{
	return xasprintf("%s/%s", node->conf_directory, render_file_names[RENDER_PG_HBA]);
}

static char *ident_file(const struct render_input *node)
{
	return xasprintf("%s/%s", node->conf_directory, render_file_names[RENDER_PG_IDENT]);
}

static char *preload_libraries(const struct render_input *node)
{
	const char *more = settings_text(node->settings, SET_PRELOAD_LIBRARIES);

	return xasprintf("citus%s%s", more ? "," : "", more ? more : "");
}

/* The numbers are what a cluster of usual size needs; each costs a little shared memory. */
const struct server_setting server_settings[SERVER_SETTING_COUNT] = {
	{ "port", RULE_GIVEN, .make = port, .why = "the nodes reach each other by it" },
	{ "listen_addresses", RULE_GIVEN, .make = listen_addresses,
		.why = "the nodes reach each other there" },
	{ "unix_socket_directories", RULE_GIVEN, .make = socket_directory,
		.why = "the agent's way in; nobody else may enter the directory" },
	{ "unix_socket_permissions", RULE_GIVEN, "0700",
		.why = "`pg_hba.conf` trusts whoever gets to the socket" },
	{ "hba_file", RULE_GIVEN, .make = hba_file,
		.why = "keeps a node closed until the cluster knows it" },
	{ "ident_file", RULE_GIVEN, .make = ident_file, .why = "belongs to `pg_hba.conf`" },
	{ "wal_level", RULE_GIVEN, "logical",
		.why = "moves and splits of shards that do not stop writes use logical "
		       "replication" },
	{ "hot_standby", RULE_GIVEN, "on", .why = "a server that recovers answers the agent" },
	{ "shared_preload_libraries", RULE_FIRST, .make = preload_libraries,
		.why = "without Citus' library a distributed table is an empty one, and the server "
		       "does not start with another one before it" },
	{ "max_prepared_transactions", RULE_AT_LEAST, "200",
		.why = "transactions over several nodes are prepared on each of them: room for all "
		       "connections, twice" },
	{ "max_worker_processes", RULE_AT_LEAST, "32",
		.why = "Citus' daemon for each database, moves of shards, parallel queries" },
	{ "max_logical_replication_workers", RULE_AT_LEAST, "16", .why = "moves of shards" },
	{ "max_replication_slots", RULE_AT_LEAST, "32", .why = "moves of shards" },
	{ "max_wal_senders", RULE_AT_LEAST, "32", .why = "moves of shards" },
	{ "citus.local_hostname", RULE_SAME, .why = "the name under which the node is registered" },
	{ "citus.node_conninfo", RULE_SAME, .why = "how the nodes connect to each other" },
	{ "output_plugin_libraries", RULE_CONTAINS,
		.why = "splits of shards use Citus' plugin (PostgreSQL 15.19 and its siblings)" },
};

/* What becomes of a user's value, for the docs. */
static const char *const rule_words[] = {
	[RULE_GIVEN] = "not taken, and told",
	[RULE_AT_LEAST] = "taken when it is more, told when it is less",
	[RULE_FIRST] = "loaded after citus, told when it lacks citus",
	[RULE_SAME] = "taken, and told",
	[RULE_CONTAINS] = "taken, and told when one of these is missing",
};

bool server_setting_is_given(const struct server_setting *s)
{
	return s->rule < RULE_SAME;
}

bool server_setting_wants_files(const struct server_setting *s)
{
	return s->rule == RULE_AT_LEAST || s->rule == RULE_FIRST;
}

/* The next item of a list, without blanks and quotes around it, its length in *length; NULL at the
 * end. *rest moves on. */
static const char *next_item(const char **rest, size_t *length)
{
	static const char around[] = " \t\n\"";

	while (**rest) {
		const char *item = *rest + strspn(*rest, around);
		size_t size = strcspn(item, ",");

		*rest = item + size + (item[size] == ',');
		while (size > 0 && strchr(around, item[size - 1]))
			size--;
		*length = size;
		if (size > 0)
			return item;
	}
	return NULL;
}

static bool list_has(const char *list, const char *item, size_t length)
{
	size_t size;

	for (const char *has; (has = next_item(&list, &size));)
		if (size == length && strncmp(has, item, length) == 0)
			return true;
	return false;
}

static bool list_contains(const char *list, const char *other)
{
	size_t length;

	for (const char *item; (item = next_item(&other, &length));)
		if (!list_has(list, item, length))
			return false;
	return true;
}

/* first, then what more lists besides; each once. */
static char *list_join(const char *first, const char *more)
{
	const char *const lists[] = { first, more };
	char *joined = xstrdup("");

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const char *rest = lists[i];
		size_t length;

		for (const char *item; (item = next_item(&rest, &length));) {
			if (list_has(joined, item, length))
				continue;
			char *longer = xasprintf(
				"%s%s%.*s", joined, *joined ? ", " : "", (int)length, item);
			free(joined);
			joined = longer;
		}
	}
	return joined;
}

/* PostgreSQL reads hexadecimal and octal numbers too (parse_int()). */
static long number(const char *text)
{
	return strtol(text, NULL, 0);
}

char *server_setting_argument(
	const struct server_setting *s, const struct render_input *node, const char *in_files)
{
	_free_ char *ours = s->make ? s->make(node) : xstrdup(s->value);
	_free_ char *joined = s->rule == RULE_FIRST ? list_join(ours, in_files) : NULL;
	bool is_more = s->rule == RULE_AT_LEAST && number(in_files) > number(ours);

	return xasprintf("%s=%s", s->name, joined ? joined : is_more ? in_files : ours);
}

static const struct server_setting *setting_of(const char *name)
{
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++)
		if (strcmp(server_settings[i].name, name) == 0)
			return &server_settings[i];
	return NULL;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && strcmp(text + length - size, end) == 0;
}

/* How what a file says is taken back. */
static char *remedy_in(const char *file, const char *name)
{
	return ends_in(file, "/postgresql.auto.conf")
		       ? xasprintf("\"ALTER SYSTEM RESET %s\" takes the line out", name)
		       : xstrdup("take the line out");
}

/* A value of a file, and how pg_settings shows it. */
static bool is_same(const char *written, const char *value)
{
	static const char *const yes[] = { "true", "yes", "1" };

	if (strcmp(value, "on") == 0)
		for (size_t i = 0; i < ARRAY_LEN(yes); i++)
			if (strcasecmp(written, yes[i]) == 0)
				return true;
	return strcasecmp(written, value) == 0;
}

/* Why the server does not run with what the files say; NULL when it does. */
static const char *difference(
	const struct server_setting *s, const struct server_setting_seen *seen)
{
	if (s->rule == RULE_AT_LEAST)
		return number(seen->written) == number(seen->value)
			       ? NULL
			       : "citus-init starts it with at least what the cluster needs";
	if (s->rule == RULE_FIRST)
		return list_contains(seen->value, seen->written) &&
				       list_has(seen->written, "citus", strlen("citus"))
			       ? NULL
			       : "citus-init always loads citus, and first";
	return is_same(seen->written, seen->value)
		       ? NULL
		       : "citus-init gives it on the command line, by its own settings";
}

/* Whether the next start takes what is written. */
static bool is_taken(const struct server_setting *s, const struct server_setting_seen *seen)
{
	if (s->rule == RULE_AT_LEAST)
		return number(seen->written) >= number(s->value);
	return s->rule == RULE_FIRST && !list_contains(seen->value, seen->written);
}

static char *complaint_of_given(
	const struct server_setting *s, const struct server_setting_seen *seen)
{
	const char *why = seen->written ? difference(s, seen) : NULL;

	if (!why)
		return NULL;
	_free_ char *remedy = is_taken(s, seen)
				      ? xstrdup("the next start of the container takes it")
				      : remedy_in(seen->written_file, s->name);
	return xasprintf("\"%s\" line %s sets %s to \"%.200s\", but the server runs with "
			 "\"%.200s\": %s; %s",
		seen->written_file, seen->written_line, s->name, seen->written, seen->value, why,
		remedy);
}

/* Settings of a role or a database, by the names that pg_settings gives their source. */
static const struct {
	const char *source;
	const char *command;
} owners[] = {
	{ "global", "ALTER ROLE ALL" },
	{ "database", "ALTER DATABASE " DATABASE_CITUS },
	{ "user", "ALTER ROLE postgres" },
	{ "database user", "ALTER ROLE postgres IN DATABASE " DATABASE_CITUS },
};

static char *complaint_of_compared(
	const struct server_setting *s, const struct server_setting_seen *seen)
{
	_free_ char *by = NULL;
	_free_ char *remedy = NULL;

	if (!seen->ours || (s->rule == RULE_SAME ? strcmp(seen->value, seen->ours) == 0
						 : list_contains(seen->value, seen->ours)))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		if (strcmp(owners[i].source, seen->source) != 0)
			continue;
		by = xstrdup(owners[i].command);
		remedy = xasprintf("\"%s RESET %s\" takes that back", by, s->name);
	}
	if (!by && seen->file) {
		by = xasprintf("\"%s\" line %s", seen->file, seen->line);
		remedy = remedy_in(seen->file, s->name);
	}
	return xasprintf("%s is \"%.200s\" by %s, but citus-init wants \"%.200s\"%s%s", s->name,
		seen->value, by ? by : seen->source, seen->ours, remedy ? ": " : "",
		remedy ? remedy : "");
}

char *server_setting_complaint(const struct server_setting_seen *seen)
{
	const struct server_setting *s = setting_of(seen->name);

	if (!s)
		return NULL;
	return server_setting_is_given(s) ? complaint_of_given(s, seen)
					  : complaint_of_compared(s, seen);
}

void server_settings_print(FILE *out)
{
	fprintf(out,
		"| Setting | On the command line | Your value is | Why |\n|---|---|---|---|\n");
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++) {
		const struct server_setting *s = &server_settings[i];

		fprintf(out, "| `%s` | ", s->name);
		if (s->value)
			fprintf(out, "`%s`", s->value);
		else
			fputs(s->make ? "by citus-init's settings" : "no: `postgresql.conf`", out);
		fprintf(out, " | %s | %s |\n", rule_words[s->rule], s->why);
	}
}
