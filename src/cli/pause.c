/*
 * citus-init pause, citus-init resume: stop and start the changes of the
 * coordinator's loop. It goes on looking, and letting members in, all the while.
 */
#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "cli/commands.h"
#include "cli/status_json.h"
#include "cli/wish.h"

#include "base/banned.h"

/* As the agent says; false when it does not answer. */
static bool is_paused_by_setting(const struct place *p)
{
	struct err e;
	json_t *status = status_json_ask(&p->http, &e);
	const char *by = status_json_words(json_object_get(status, "cluster"), "paused_by");
	bool is_so = by && strcmp(by, "setting") == 0;

	json_decref(status);
	return is_so;
}

static int pause_changes(const struct place *p, struct err *e)
{
	if (wish_make(p, WISH_PAUSE, "", "", e) < 0)
		return -1;
	puts("changes are paused; a step that has begun is still finished. \"citus-init plan\" "
	     "shows what is held up, \"citus-init resume\" ends the pause");
	return 0;
}

static int resume_changes(const struct place *p, struct err *e)
{
	int ended = wish_end(p, WISH_PAUSE, "", e);

	if (ended < 0)
		return -1;
	if (is_paused_by_setting(p))
		puts("the command's pause has ended, but the setting CITUS_INIT_PAUSE still "
		     "pauses changes: set it to \"no\" and restart the coordinator");
	else
		puts(ended ? "changes go on" : "changes were not paused by a command");
	return 0;
}

static int act(char **argv, int argc, int (*change)(const struct place *p, struct err *e))
{
	struct place p;
	struct err e;

	if (argc != 1) {
		fprintf(stderr, "citus-init: usage: citus-init %s\n", argv[0]);
		return EXIT_USAGE;
	}
	int code = place_find(argv, &p);
	if (code == 0 && change(&p, &e) < 0) {
		fprintf(stderr, "citus-init: %s\n", e.msg);
		code = (int)exit_code_of(e.kind);
	}
	place_fini(&p);
	return code;
}

int cli_pause_main(int argc, char **argv)
{
	return act(argv, argc, pause_changes);
}

int cli_resume_main(int argc, char **argv)
{
	return act(argv, argc, resume_changes);
}
