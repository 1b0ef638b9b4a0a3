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
	MEMBER_OURS,
	MEMBER_EMPTY,
	MEMBER_FOREIGN,
	MEMBER_TWIN,
	MEMBER_OLDER,
	MEMBER_SUPERSEDED,
	MEMBER_LEFT,
	MEMBER_UNFIT,
	MEMBER_LOCKED,
	MEMBER_UNREACHABLE,
	MEMBER_HANGING,
	MEMBER_STATE_COUNT
};

/* "new", "joining", ... */
const char *member_state_name(enum member_state state);
/* What the operator should know of a node in that state. */
const char *member_state_meaning(enum member_state state);
/* What is done about a node in that state, and what the operator can do. */
const char *member_state_action(enum member_state state);

/* The table as Markdown, for docs/architecture.md. */
void member_states_print(FILE *out);
