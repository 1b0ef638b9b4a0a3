#include "cli/status_view.h"

#include <string.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "cli/clean.h"
#include "cli/status_json.h"

#include "base/banned.h"

enum { CELL_MAX = 300 };

/* The text of a field, fit for a terminal; "-" for null and what is no text. */
static void field(const json_t *object, const char *key, char cell[CELL_MAX])
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		snprintf(cell, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(cell, CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(cell, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(cell, CELL_MAX, "-");
	clean_text(cell);
}

static void print_field(FILE *out, const json_t *object, const char *key)
{
	char cell[CELL_MAX];

	field(object, key, cell);
	fputs(cell, out);
}

static void node_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "name", cell);
}

static void role_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "role", cell);
}

static void host_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "host", cell);
}

static void reachable_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "reachable", cell);
}

static void registered_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "registered", cell);
}

static void version_cell(const json_t *m, char cell[CELL_MAX])
{
	char postgres[CELL_MAX];
	char citus[CELL_MAX];

	field(m, "version", postgres);
	field(m, "citus", citus);
	snprintf(cell, CELL_MAX, "%.100s / %.100s", postgres, citus);
}

static void shards_cell(const json_t *m, char cell[CELL_MAX])
{
	field(m, "shards", cell);
}

enum align { ALIGN_LEFT, ALIGN_RIGHT };

static const struct column {
	const char *title;
	enum align align;
	void (*cell)(const json_t *member, char cell[CELL_MAX]);
} columns[] = {
	{ "NODE", ALIGN_LEFT, node_cell },
	{ "ROLE", ALIGN_LEFT, role_cell },
	{ "HOST", ALIGN_LEFT, host_cell },
	{ "REACHABLE", ALIGN_LEFT, reachable_cell },
	{ "REGISTERED", ALIGN_LEFT, registered_cell },
	{ "VERSION", ALIGN_LEFT, version_cell },
	{ "SHARDS", ALIGN_RIGHT, shards_cell },
};

static void print_cell(FILE *out, size_t c, const char *text, size_t width)
{
	int padding = (int)(width - clean_width(text));
	bool is_last = c == ARRAY_LEN(columns) - 1;

	if (columns[c].align == ALIGN_RIGHT)
		fprintf(out, "%*s%s", padding, "", text);
	else
		fprintf(out, "%s%*s", text, is_last ? 0 : padding, "");
	fputs(is_last ? "\n" : "  ", out);
}

static void print_table(FILE *out, const json_t *members)
{
	size_t widths[ARRAY_LEN(columns)];
	char cell[CELL_MAX];
	json_t *member;
	size_t i;

	for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
		widths[c] = strlen(columns[c].title);
		json_array_foreach(members, i, member)
		{
			columns[c].cell(member, cell);
			if (clean_width(cell) > widths[c])
				widths[c] = clean_width(cell);
		}
	}
	for (size_t c = 0; c < ARRAY_LEN(columns); c++)
		print_cell(out, c, columns[c].title, widths[c]);
	json_array_foreach(members, i, member)
	{
		for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
			columns[c].cell(member, cell);
			print_cell(out, c, cell, widths[c]);
		}
	}
}

/* "critical: citus-2 is down since ..."; returns whether one of them needs somebody. */
static bool print_conditions(FILE *out, const json_t *conditions)
{
	bool needs_attention = false;
	json_t *condition;
	size_t i;

	if (!json_is_array(conditions)) {
		fputs("conditions: -\n", out);
		return true;
	}
	json_array_foreach(conditions, i, condition)
	{
		const char *severity = status_json_words(condition, "severity");
		const char *text = status_json_words(condition, "text");

		needs_attention |= !severity || strcmp(severity, "info") != 0;
		print_field(out, condition, "severity");
		fputs(": ", out);
		clean_print(out, text ? text : "-");
		fputc('\n', out);
	}
	return needs_attention;
}

/* "citus-0: not ready: ..."; returns whether it printed it. */
static bool print_not_ready(FILE *out, const json_t *node)
{
	const char *reason = status_json_words(node, "reason");

	if (status_json_is_true(node, "ready"))
		return false;
	print_field(out, node, "name");
	fputs(": not ready", out);
	if (reason) {
		fputs(": ", out);
		clean_print(out, reason);
	}
	fputc('\n', out);
	return true;
}

/* Worth saying, but no fault of the cluster: it does not change the exit code. */
static void print_warnings(FILE *out, const json_t *node)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(node, "warnings"), i, warning)
	{
		const char *text = json_string_value(warning);

		fputs("warning: ", out);
		clean_print(out, text ? text : "-");
		fputc('\n', out);
	}
}

static void print_cluster(FILE *out, const json_t *node, const json_t *cluster)
{
	fputs("cluster ", out);
	print_field(out, cluster, "id");
	fprintf(out, "  %s    coordinator ",
		status_json_is_true(cluster, "formed") ? "formed" : "not formed");
	print_field(out, node, "name");
	if (json_is_integer(json_object_get(cluster, "looked_seconds_ago"))) {
		fputs("    looked ", out);
		print_field(out, cluster, "looked_seconds_ago");
		fputs(" s ago", out);
	}
	fputc('\n', out);
	print_table(out, json_object_get(cluster, "members"));
}

static void print_node(FILE *out, const json_t *node)
{
	static const struct {
		const char *before;
		const char *object; /* NULL: of the node itself */
		const char *key;
	} parts[] = {
		{ "", NULL, "name" },
		{ "  ", NULL, "role" },
		{ "  ", NULL, "host" },
		{ "\npostgres ", "postgres", "state" },
		{ ", version ", "postgres", "version" },
		{ ", restarts ", "postgres", "restarts" },
		{ "\ncitus ", NULL, "citus" },
		{ ", group ", NULL, "group" },
		{ ", cluster ", NULL, "cluster_id" },
		{ "\nset-up ", "setup", "state" },
		{ ", phase ", NULL, "phase" },
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const json_t *of = parts[i].object ? json_object_get(node, parts[i].object) : node;
		fputs(parts[i].before, out);
		print_field(out, of, parts[i].key);
	}
	fputc('\n', out);
}

int status_view_print(const char *json, FILE *out, struct err *e)
{
	json_t *root = status_json_parse(json, e);

	if (!root)
		return -1;
	const json_t *node = json_object_get(root, "node");
	const json_t *cluster = json_object_get(root, "cluster");
	if (json_is_object(cluster))
		print_cluster(out, node, cluster);
	else
		print_node(out, node);
	bool needs_attention = print_conditions(out, json_object_get(root, "conditions"));
	needs_attention |= print_not_ready(out, node);
	print_warnings(out, node);
	json_decref(root);
	return needs_attention ? EXIT_NOT_READY : EXIT_OK;
}

int status_view_print_json(const char *json, FILE *out, struct err *e)
{
	json_t *root = status_json_parse(json, e);

	if (!root)
		return -1;
	int failure = json_dumpf(root, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(root);
	return failure ? err_set(e, ERR_SYS, "could not write the status") : 0;
}
