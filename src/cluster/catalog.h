/*
 * The coordinator's two memories, read in one look: schema citus_init (the
 * cluster's id, who was meant to be registered, who was confirmed) and Citus'
 * pg_dist_node. Its session in the home database holds the lock that lets only
 * one agent act, so it is also the one to write with.
 */
#pragma once

#include <event2/event.h>

#include "cluster/facts.h"
#include "node/identity.h"
#include "sql/sql.h"

/* What is held of one worker, by ordinal - 1. */
struct catalog_row {
	char *name;
	char *host;
	struct member_record record;
	struct member_entry entries[MANAGED_COUNT];
	bool left_out; /* form --without */
};

struct catalog {
	const struct identity *id;
	struct cluster_facts facts;
	struct address here;			/* of this node */
	struct member_entry own[MANAGED_COUNT]; /* the coordinator's own rows */
	struct catalog_row *rows;
	int count;
	struct superseded *superseded;
	struct stranger *strangers;
	bool may_enter;	    /* this node is recognised: a session in a Citus database is allowed */
	bool is_paused;	    /* by a wish */
	char adopted[40];   /* the token of the adoption that the operator has confirmed, or "" */
	bool adopts_as_new; /* and the cluster is to take an id of its own first */
	char abandoned[40]; /* the cluster that form --abandon names, or "" */
	char *abandoned_workers; /* those of it that the operator has confirmed,
				  * "NAME=IDENTIFIER,..."
				  */
	struct sql *home;
	struct sql *databases[MANAGED_COUNT]; /* connected while they are needed */
	int looked_at;
	char *names;	     /* of the managed databases, as a PostgreSQL array */
	char *setting_names; /* and of the settings that are compared */
	sql_done_fn done;
	void *ctx;
};

/* With rows for so many workers. */
void catalog_init(struct catalog *catalog, struct event_base *loop, const struct identity *id,
	const char *socket_directory, int count);
void catalog_fini(struct catalog *catalog);

/* Reads everything anew; done is called from the loop. A managed database that has no incarnation
 * yet gets one, once the cluster has an id. */
void catalog_look(struct catalog *catalog, sql_done_fn done, void *ctx);

/* Reads only whether something has been written on this server: facts.settled. Not while a look is
 * under way. */
void catalog_glance(struct catalog *catalog, sql_done_fn done, void *ctx);

/* The incarnations of the managed databases, in the order of names, as a PostgreSQL array; the
 * caller frees it. */
char *catalog_incarnations(const struct catalog *catalog);
