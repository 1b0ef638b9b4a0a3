#include "cli/place.h"

#include <string.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "node/identity.h"

#include "base/banned.h"

/* "citus-init local" gives these to its command, and writes them to its file "env". */
static bool find_local_cluster(struct place *p, struct err *e)
{
	const char *directory = getenv("CITUS_INIT_LOCAL_DIR");
	const char *http = ask_local_cluster();
	const char *port = getenv("PGPORT");

	if (!directory || !http || !port || ask_target_of(http, &p->http, e) < 0)
		return false;
	p->socket_directory = xasprintf("%s/citus-0/run/socket", directory);
	p->port = (int)strtol(port, NULL, 10);
	return true;
}

static void print_where_to(const struct identity *id, char *const *words)
{
	_free_ char *coordinator = identity_name_of(id, 0);

	fprintf(stderr,
		"citus-init: this is %s; run the command on the coordinator, %s: kubectl exec "
		"%s -- citus-init",
		id->name, coordinator, coordinator);
	for (; *words; words++)
		fprintf(stderr, " %s", *words);
	fputc('\n', stderr);
}

static int find_by_settings(
	const struct settings *s, char *const *words, struct place *p, struct err *e)
{
	struct identity *id = identity_here(s, e);

	if (!id)
		return (int)exit_code_of(e->kind);
	bool is_coordinator = id->role == ROLE_COORDINATOR;
	if (!is_coordinator)
		print_where_to(id, words);
	identity_free(id);
	if (!is_coordinator)
		return EXIT_USAGE;
	if (ask_this_node(s, &p->http, e) < 0)
		return (int)exit_code_of(e->kind);
	p->socket_directory = xasprintf("%s/socket", settings_text(s, SET_RUN_DIRECTORY));
	p->port = (int)settings_number(s, SET_PORT);
	return 0;
}

int place_find(char *const *words, struct place *p)
{
	struct err e = { 0 };

	*p = (struct place){ 0 };
	if (find_local_cluster(p, &e))
		return 0;
	struct settings *s = ask_load_settings();
	if (!s)
		return EXIT_SETTINGS;
	int code = find_by_settings(s, words, p, &e);
	settings_free(s);
	if (e.kind != ERR_NONE)
		fprintf(stderr, "citus-init: %s\n", e.msg);
	return code;
}

void place_fini(struct place *p)
{
	free(p->socket_directory);
	ask_target_fini(&p->http);
}
