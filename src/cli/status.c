/*
 * citus-init status: asks ordinal 0's agent (or this node's, or any) over HTTP
 * and shows what it says. It changes nothing and needs no password.
 */
#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/status_json.h"
#include "cli/status_view.h"

#include "base/banned.h"

struct options {
	bool as_json;
	bool this_node;
	const char *address;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			o->as_json = true;
		else if (strcmp(argv[i], "--local") == 0)
			o->this_node = true;
		else if (strcmp(argv[i], "--address") == 0 && i + 1 < argc)
			o->address = argv[++i];
		else
			return -1;
	}
	return o->this_node && o->address ? -1 : 0;
}

/* Asks and prints; returns an exit code, or -1. */
static int show(const struct options *o, const struct ask_target *to, struct err *e)
{
	_free_ char *body = status_json_ask_text(to, e);

	if (!body)
		return -1;
	int code = o->as_json ? status_view_print_json(body, stdout, e)
			      : status_view_print(body, stdout, e);
	return code < 0 ? err_wrap(e, "could not read the status of %s:%d", to->host, to->port)
			: code;
}

static const char *hint(const struct options *o)
{
	if (o->address)
		return "";
	return o->this_node ? "; is the node running?"
			    : "; \"citus-init status --local\" shows what this node knows";
}

int cli_status_main(int argc, char **argv)
{
	struct options options = { 0 };
	struct ask_target to = { 0 };
	struct err e;

	if (parse_options(argc, argv, &options) < 0) {
		fprintf(stderr, "citus-init: usage: citus-init status [--json] "
				"[--local | --address HOST:PORT]\n");
		return EXIT_USAGE;
	}
	int code =
		ask_find(options.address, options.this_node ? ASK_THIS_NODE : ASK_COORDINATOR, &to);
	if (code != 0)
		return code;
	code = show(&options, &to, &e);
	ask_target_fini(&to);
	if (code >= 0)
		return code;
	fprintf(stderr, "citus-init: %s%s\n", e.msg, hint(&options));
	return EXIT_UNAVAILABLE;
}
