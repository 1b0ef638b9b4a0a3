/*
 * What the coordinator's other databases with Citus, which the program does not
 * manage, place on an empty member. Nothing is made anew there, so all of that
 * is a loss for the operator to accept. Changes nothing.
 */
#pragma once

#include <event2/event.h>

#include "node/identity.h"
#include "repair/loss.h"
#include "sql/sql.h"

struct unmanaged {
	struct event_base *loop;
	const char *socket_directory; /* borrowed */
	int port;
	struct sql *home;

	char *managed;	 /* the names of the managed databases, as a PostgreSQL array */
	char *others;	 /* the hosts of the other nodes, as a PostgreSQL array */
	char **names;	 /* of the databases */
	int count, at;	 /* the one that is being looked into */
	struct sql *sql; /* into that one */
	bool has_citus;	 /* that one */

	struct loss_tally *tally;
	char *digest;
	size_t digest_size;
	sql_done_fn done;
	void *ctx;
};

void unmanaged_init(
	struct unmanaged *u, struct event_base *loop, const char *socket_directory, int port);
/* Drops what is under way, without a callback. */
void unmanaged_fini(struct unmanaged *u);

/* tally and digest are borrowed until done is called. */
struct unmanaged_case {
	const struct identity *id; /* for the names and hosts of all nodes */
	int nodes;		   /* how many there are */
	const char *name;	   /* of the member */
	const char *host;	   /* by which Citus knows it */
	struct loss_tally *tally;
	char *digest;
	size_t digest_size;
};

/*
 * Adds to tally what is placed on the member, or on a host that is none of the other nodes', and
 * continues the digest with it when there is something. done is called from the loop; it fails when
 * a database cannot be looked into, and names it.
 */
void unmanaged_look(
	struct unmanaged *u, const struct unmanaged_case *of, sql_done_fn done, void *ctx);

/* Ends the sessions, and drops what is under way, without a callback. */
void unmanaged_rest(struct unmanaged *u);
