/*
 * citus-init accept-loss: accepts the loss of what had its only copy on a member whose
 * directory is gone, so that the member can be brought back without it. The
 * token stands for exactly this loss: a script that is run again accepts no
 * later one.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/status_json.h"
#include "cli/wish.h"
#include "cli/wish_check.h"

#include "base/banned.h"

static int accept(const struct place *p, const char *node, const char *confirm, struct err *e)
{
	json_t *status = status_json_ask(&p->http, e);

	if (!status)
		return EXIT_UNAVAILABLE;
	enum exit_code code = wish_check_accept_loss(status, node, confirm, stdout, e);
	json_decref(status);
	if (code != EXIT_OK)
		return (int)code;
	if (wish_make(p, WISH_ACCEPT_LOSS, node, confirm, e) < 0)
		return (int)exit_code_of(e->kind);
	printf("the loss is accepted: %s is brought back without the lost rows; \"citus-init "
	       "status\" shows how far it is\n",
		node);
	return EXIT_OK;
}

int cli_accept_loss_main(int argc, char **argv)
{
	const char *confirm = NULL;
	struct place p;
	struct err e;

	if (argc == 4 && strcmp(argv[2], "--confirm") == 0)
		confirm = argv[3];
	if ((argc != 2 && !confirm) || argv[1][0] == '-') {
		fprintf(stderr,
			"citus-init: usage: citus-init accept-loss NODE [--confirm TOKEN]\n");
		return EXIT_USAGE;
	}
	int code = place_find(argv, &p);
	if (code == 0) {
		code = accept(&p, argv[1], confirm, &e);
		if (code != EXIT_OK)
			fprintf(stderr, "citus-init: %s\n", e.msg);
	}
	place_fini(&p);
	return code;
}
