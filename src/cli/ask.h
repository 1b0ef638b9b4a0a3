/*
 * What the commands that ask an agent share: the settings as far as a person
 * needs them (without passwords), and the addresses to ask.
 */
#pragma once

#include "base/err.h"
#include "node/settings.h"

struct ask_target {
	char *host; /* owned */
	int port;
};

void ask_target_fini(struct ask_target *to);

/* The settings of this machine without their secrets; NULL after the errors were printed. */
struct settings *ask_load_settings(void);

/* This node's own HTTP, by way of loopback when it listens everywhere. */
int ask_this_node(const struct settings *s, struct ask_target *to, struct err *e) NODISCARD;

/* HOST:PORT of the command line; the host may be a name. */
int ask_target_of(const char *text, struct ask_target *to, struct err *e) NODISCARD;

/* The coordinator's HOST:PORT in a shell of "citus-init local", else NULL. */
const char *ask_local_cluster(void);

enum ask_whom { ASK_COORDINATOR, ASK_THIS_NODE };

/* The address when it is not NULL, else whom. 0, or an exit code after the error was printed. */
int ask_find(const char *address, enum ask_whom whom, struct ask_target *to) NODISCARD;
