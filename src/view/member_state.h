/*
 * The states of a member, as the coordinator sees it: how each is recognised,
 * what it means and what is done about it stands in one table, for the log,
 * /status, /metrics and the docs.
 */
#pragma once

#include <stdio.h>

enum member_state {
	MEMBER_UNKNOWN, /* not looked at yet */
	MEMBER_NEW,
	MEMBER_JOINING,
	MEMBER_RETURNING,
	MEMBER_OURS,
	MEMBER_DISABLED,
	MEMBER_EMPTY,
	MEMBER_FOREIGN,
	MEMBER_MISPLACED,
	MEMBER_TWIN,
	MEMBER_OLDER,
	MEMBER_SUPERSEDED,
	MEMBER_REMOVED,
	MEMBER_UNFIT,
	MEMBER_LOCKED,
	MEMBER_UNREACHABLE,
	MEMBER_HANGING,
	MEMBER_STATE_COUNT
};

/* "new", "joining", ... */
const char *member_state_name(enum member_state state);
/* The state of that name, or MEMBER_UNKNOWN. */
enum member_state member_state_of_name(const char *name);
/* What the operator should know of a node in that state. */
const char *member_state_meaning(enum member_state state);
/* What is done about a node in that state, and what the operator can do. */
const char *member_state_action(enum member_state state);

/* What somebody did to the node by hand in Citus, so that it serves nobody, and what ends that, as
 * a clause; the caller frees it. host and port are the node's in pg_dist_node. NULL for a state
 * that is nobody's doing. */
char *member_state_by_hand(enum member_state state, const char *host, int port);

/* The table as Markdown, for docs/architecture.md. */
void member_states_print(FILE *out);
