/*
 * The environments that local hands out, as pure functions: a node's is a
 * pod's, as the StatefulSet's manifest would make it, and nothing else of the
 * caller's; COMMAND's is the caller's with the connection added.
 *
 * The arrays are NULL-terminated like environ and hold passwords:
 * environment_free() wipes them.
 */
#pragma once

#include <stdio.h>

#include "local/state.h"

/* The group's name, so that node k is "citus-k". */
extern const char environment_group[];

/* Of node ordinal. The caller's CITUS_INIT_... settings are handed on, without those that are
 * set here and without CITUS_INIT_LOCAL_.... A network without a port (not chosen yet) leaves the
 * caller's port as it is. */
char **environment_of_node(char *const *caller, const struct state *s, int ordinal);

/* Of COMMAND: the caller's without its own ideas of where to connect. */
char **environment_of_command(char *const *caller, const struct state *s);

/* The same connection as lines for a shell: export NAME='value'. */
void environment_print_script(FILE *out, const struct state *s);

/* The value of name, or NULL. Borrowed. */
const char *environment_get(char *const *environment, const char *name);

void environment_free(char **environment);
