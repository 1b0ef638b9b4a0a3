/* citus-init plan: what the coordinator's loop would do next, for whom and why. It only asks. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/plan_view.h"
#include "cli/status_json.h"

#include "base/banned.h"

int cli_plan_main(int argc, char **argv)
{
	struct ask_target to = { 0 };
	const char *address = NULL;
	bool as_json = false;
	struct err e;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			as_json = true;
		} else if (strcmp(argv[i], "--address") == 0 && i + 1 < argc) {
			address = argv[++i];
		} else {
			fprintf(stderr, "citus-init: usage: citus-init plan [--json] "
					"[--address HOST:PORT]\n");
			return EXIT_USAGE;
		}
	}
	int code = ask_find(address, ASK_COORDINATOR, &to);
	if (code != 0)
		return code;
	json_t *status = status_json_ask(&to, &e);
	ask_target_fini(&to);
	code = EXIT_UNAVAILABLE;
	if (status)
		code = (int)(as_json ? plan_view_print_json(status, stdout, &e)
				     : plan_view_print(status, stdout, &e));
	json_decref(status);
	if (code != EXIT_OK)
		fprintf(stderr, "citus-init: %s\n", e.msg);
	return code;
}
