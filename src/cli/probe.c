/*
 * citus-init probe: asks this node's own HTTP, prints what it says, and exits
 * 0 or 1, as a HEALTHCHECK wants it.
 */
#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/http_get.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/clean.h"
#include "cli/commands.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 3000 };

static const char *const probes[] = { "readyz", "livez", "startupz" };

static bool is_probe(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		if (strcmp(probes[i], name) == 0)
			return true;
	return false;
}

/* Returns the HTTP status, or -1. */
static int ask(const struct settings *s, const char *probe, char **body, struct err *e)
{
	_free_ char *path = xasprintf("/%s", probe);
	struct ask_target to = { 0 };
	int status = -1;

	if (ask_this_node(s, &to, e) < 0)
		return -1;
	int result = http_get(to.host, to.port, path, TIMEOUT_MS, &status, body, e);
	ask_target_fini(&to);
	return result < 0 ? -1 : status;
}

int cli_probe_main(int argc, char **argv)
{
	const char *probe = argc > 1 ? argv[1] : probes[0];
	_free_ char *body = NULL;
	struct err e;

	if (argc > 2 || !is_probe(probe)) {
		fprintf(stderr, "citus-init: usage: citus-init probe [livez|readyz|startupz]\n");
		return EXIT_USAGE;
	}
	struct settings *s = ask_load_settings();
	if (!s)
		return EXIT_NOT_READY;
	int status = ask(s, probe, &body, &e);
	settings_free(s);
	if (status < 0) {
		fprintf(stderr, "citus-init: %s\n", e.msg);
		return EXIT_NOT_READY;
	}
	/* The first line: whoever else may listen on that port is not worth a screen. */
	body[strcspn(body, "\r\n")] = '\0';
	clean_print(stdout, body);
	putchar('\n');
	return status == 200 ? EXIT_OK : EXIT_NOT_READY;
}
