/*
 * Where the operator's commands act: on ordinal 0, whose memory holds what they
 * ask for. In its container the settings say where that is; in a shell of
 * "citus-init local" the variables there do.
 */
#pragma once

#include "base/err.h"
#include "cli/ask.h"

struct place {
	char *socket_directory; /* of its PostgreSQL; owned */
	int port;
	struct ask_target http; /* its agent's */
};

/*
 * words are the command's, for the hint where to run it. 0, or an exit code after the error was
 * printed: EXIT_USAGE on another node, EXIT_SETTINGS.
 */
int place_find(char *const *words, struct place *p) NODISCARD;
void place_fini(struct place *p);
