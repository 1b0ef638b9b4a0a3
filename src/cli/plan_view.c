#include "cli/plan_view.h"

#include <string.h>

#include "base/mem.h"
#include "cli/clean.h"
#include "cli/status_json.h"

#include "base/banned.h"

static const char *pause_in_words(const char *paused_by)
{
	return strcmp(paused_by, "setting") == 0
		       ? "the setting CITUS_INIT_PAUSE"
		       : "\"citus-init pause\", until \"citus-init resume\"";
}

static void print_line(FILE *out, const char *title, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%-8s", title);
	clean_print(out, text);
	fputc('\n', out);
}

enum exit_code plan_view_print(const json_t *status, FILE *out, struct err *e)
{
	const json_t *cluster = status_json_cluster(status, e);
	const json_t *plan = json_object_get(cluster, "plan");
	const char *step = status_json_words(plan, "step");
	const char *paused_by = status_json_words(cluster, "paused_by");

	if (!cluster)
		return EXIT_UNSUITABLE;
	print_line(out, "next", step ? step : "not known yet: the nodes are being looked at");
	print_line(out, "for", status_json_words(plan, "chosen"));
	print_line(out, "why", status_json_words(plan, "why"));
	if (paused_by)
		print_line(out, "paused", pause_in_words(paused_by));
	return EXIT_OK;
}

enum exit_code plan_view_print_json(const json_t *status, FILE *out, struct err *e)
{
	static const char *const keys[] = { "step", "chosen", "why" };
	const json_t *cluster = status_json_cluster(status, e);
	const json_t *plan = json_object_get(cluster, "plan");

	if (!cluster)
		return EXIT_UNSUITABLE;
	json_t *o = json_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(o, keys[i], json_object_get(plan, keys[i]));
	json_object_set(o, "paused_by", json_object_get(cluster, "paused_by"));
	int failure = json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(o);
	fputc('\n', out);
	if (failure) {
		err_set(e, ERR_SYS, "could not write the plan");
		return EXIT_SYSTEM;
	}
	return EXIT_OK;
}
