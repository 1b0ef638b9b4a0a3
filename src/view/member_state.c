#include "view/member_state.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

static const struct {
	const char *name;
	const char *recognised_by;
	const char *meaning;
	const char *action;
	const char *command; /* the operator's next one, with its condition; or NULL */
} states[MEMBER_STATE_COUNT] = {
	[MEMBER_UNKNOWN] = { "unknown", "nothing yet", "it has not been looked at yet",
		"it is looked at in a moment", NULL },
	[MEMBER_NEW] = { "new",
		"no cluster id, group 0, no nodes, no tables, no shards; nothing remembered",
		"it is empty and can be registered",
		"it gets the cluster's id, then it is registered", NULL },
	[MEMBER_JOINING] = { "joining",
		"our cluster id, its name, the identifier of the written intent; group 0",
		"it is being registered",
		"it is registered; when that fails, again with a back-off", NULL },
	[MEMBER_RETURNING] = { "returning",
		"our cluster id, its name, its identifier, its epoch; its databases are not asked "
		"yet",
		"its server has started, and it is let in",
		"it is recognised; then it finishes its set-up, and is looked at whole", NULL },
	[MEMBER_OURS] = { "ours",
		"our cluster id, its name, its identifier, its databases, its group",
		"it is a member", "nothing; after a start it serves once it has been recognised",
		NULL },
	[MEMBER_DISABLED] = { "disabled",
		"its row in `pg_dist_node` is not active: somebody disabled it by "
		"`citus_disable_node()`",
		"Citus goes on without it, so what it holds may be old: it serves nobody",
		"nothing; activate it in Citus when it is to serve again",
		"in `citusdb` on the coordinator: `select citus_activate_node('HOST', PORT)`" },
	[MEMBER_EMPTY] = { "empty",
		"a member is remembered under its name, and nothing is on it: its directory or "
		"its database was made again",
		"it is a member that has lost its data",
		"it is filled again automatically, unless data had its only copy there; then "
		"give it its volume back, or accept the loss",
		"`citus-init accept-loss NODE`" },
	[MEMBER_FOREIGN] = { "foreign",
		"another cluster's id, another node's name or identifier, a database from "
		"before the coordinator's was made again, or metadata without an id",
		"its data directory is not this cluster's: it is not touched",
		"refused; give it its own volume",
		"a worker whose own is lost: an empty one; a coordinator whose own is lost, while "
		"the workers have theirs: `citus-init form --abandon ID`" },
	[MEMBER_MISPLACED] = { "misplaced",
		"its cluster remembers it under another host or port, or `pg_dist_node` has its "
		"group so",
		"its cluster is registered under other addresses: it is a copy, or the set was "
		"moved; whatever it wrote would go there",
		"refused, and nothing is written to anybody; start it under the registered "
		"addresses, or adopt the ones that it has",
		"`citus-init adopt`" },
	[MEMBER_TWIN] = { "twin", "one system identifier behind two names",
		"its data directory is a copy of another node's, or the other is one of its own",
		"both are refused; give each its own volume", NULL },
	[MEMBER_OLDER] = { "older", "its identifier, but an earlier epoch than it was seen in",
		"it was restored from an older copy: what was written since is missing",
		"refused; give it its newer volume back",
		"a worker whose newer one is lost: an empty one, and it is repaired like an empty "
		"node; never the coordinator" },
	[MEMBER_SUPERSEDED] = { "superseded", "the identifier of a directory that was replaced",
		"its data directory was lost, and another has taken its place",
		"refused; give it the volume that took its place", NULL },
	[MEMBER_REMOVED] = { "removed",
		"its identifier and its group, but no row in `pg_dist_node`: somebody removed it by "
		"`citus_remove_node()`",
		"it is no member any more: it serves nobody, and is not touched",
		"nothing; give it an empty volume, and it joins as a new node", NULL },
	[MEMBER_UNFIT] = { "unfit",
		"another PostgreSQL major, Citus version, encoding, locale or its provider, or version "
		"of the library that orders text; a set-up not finished",
		"it cannot work with the coordinator as it is",
		"refused until it fits: all nodes need the same image and locale", NULL },
	[MEMBER_LOCKED] = { "locked", "log-in refused (password, pg_hba)",
		"it refuses the log-in of \"postgres\"",
		"tried again with a back-off; all nodes need the same SUPERPASS", NULL },
	[MEMBER_UNREACHABLE] = { "unreachable", "no connection in time", "it does not answer",
		"tried again with a back-off; after the grace period the others' changes go on "
		"without it",
		"before the first forming: `citus-init form --without ORDINAL`" },
	[MEMBER_HANGING] = { "hanging", "it takes a connection, and then does not answer in time",
		"its server hangs", "as if it were unreachable; restart it", NULL },
};

const char *member_state_name(enum member_state state)
{
	return states[state].name;
}

enum member_state member_state_of_name(const char *name)
{
	for (enum member_state state = 0; state < MEMBER_STATE_COUNT; state++)
		if (strcmp(states[state].name, name) == 0)
			return state;
	return MEMBER_UNKNOWN;
}

const char *member_state_meaning(enum member_state state)
{
	return states[state].meaning;
}

const char *member_state_action(enum member_state state)
{
	return states[state].action;
}

char *member_state_by_hand(enum member_state state, const char *host, int port)
{
	if (state == MEMBER_DISABLED)
		return xasprintf("somebody disabled it in Citus, and it serves nobody until it is "
				 "activated: \"select citus_activate_node('%s', %d)\" in citusdb "
				 "on the coordinator",
			host, port);
	if (state == MEMBER_REMOVED)
		return xstrdup("somebody removed it from Citus: it serves nobody, and is not "
			       "touched; give it an empty volume, and it joins as a new node");
	return NULL;
}

void member_states_print(FILE *out)
{
	fprintf(out, "| State | Recognised by | Means | What is done, and what you can do |\n"
		     "|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		fprintf(out, "| %s | %s | %s | %s%s%s |\n", states[i].name, states[i].recognised_by,
			states[i].meaning, states[i].action, states[i].command ? "; " : "",
			states[i].command ? states[i].command : "");
}
