/*
 * An empty member's way back: what it has lost, and filling it again. It talks
 * to the coordinator's managed databases and to the worker's, on sessions of
 * its own; all operations ask what is there first, so that they go on where a
 * killed one ended.
 *
 * Bringing back makes the catalog true: all that it places on the member is
 * there. Copies of what is kept several times come after that, when the member
 * is open again: Citus makes them as the tables' owners, whom it does not
 * admit before.
 */
#pragma once

#include <event2/event.h>

#include "node/identity.h"
#include "node/settings.h"
#include "repair/loss.h"
#include "sql/sql.h"

/* The strings are copied. */
struct repair_case {
	const char *name;
	const char *host;
	int group; /* in pg_dist_node; -1 for a removed one, on which the managed databases place
		      nothing */
	const char *lost_identifier;
	const char *new_identifier;
	const char *accepted; /* the token of the loss that the operator accepts, or "" */
	/* The hosts of the workers that are well, as a PostgreSQL array: the accepted loss's empty
	 * shards may have to go there; to the coordinator when there are none. */
	const char *others;
};

/* report is NULL when failure is not. */
typedef void (*repair_assessed_fn)(
	void *ctx, const struct loss_report *report, const struct err *failure);

struct repair;

/* nodes: how many the cluster has, by their ordinals. */
struct repair *repair_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, int nodes, const char *socket_directory);
/* Drops what is under way, without a callback. */
void repair_close(struct repair *repair);

/* Finds out what the empty member has lost; changes nothing. One case at a time; assessed is called
 * from the loop. The token stays the same while an accepted loss is made good: it is about the
 * shards that have no copy elsewhere, there or not. */
void repair_assess(struct repair *repair, const struct repair_case *of, repair_assessed_fn assessed,
	void *ctx);

/*
 * Puts the member back into its place: its metadata, and all shards that the catalog places on it.
 * What has copies elsewhere is taken from the member in the catalog; copies.h copies it back. An
 * accepted loss's shards are made anew, empty; they stay on the member, unless copies were lost
 * too: then they are on other nodes afterwards, for Citus takes copies from a node only when
 * nothing else is on it. Fails before anything is changed when only copies were lost and accepted
 * is not that loss's token.
 */
void repair_bring_back(
	struct repair *repair, const struct repair_case *of, sql_done_fn done, void *ctx);
