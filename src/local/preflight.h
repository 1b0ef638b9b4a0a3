/*
 * All that must be right before the first node starts: whom the nodes run as,
 * the directory, the settings that the caller hands on, free addresses, paths
 * that the nodes' user can reach. Then what a later start needs is written.
 */
#pragma once

#include "local/options.h"
#include "local/reach.h"
#include "local/state.h"

struct preflight {
	struct state state; /* closed by the caller, also after an error */
	struct node_user user;
	long stop_deadline_s; /* a node's */
};

/* Wrong settings are printed, one line each; the error then only says that there were some. May
 * wait, for the nodes of a local that was killed; a pending signal ends that. */
int preflight(struct preflight *p, const struct options *o, char *const *environment,
	struct err *e) NODISCARD;
