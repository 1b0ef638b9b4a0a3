/*
 * The coordinator's two memories, read in one look: schema citus_init (the
 * cluster's id, who was meant to be registered, who was confirmed) and Citus'
 * pg_dist_node. Its session in the home database holds the lock that lets only
 * one agent act, so it is also the one to write with.
 */
#pragma once

#include <event2/event.h>

#include "agent/membership.h"
#include "agent/sql.h"

/* What is held of one worker, by ordinal - 1. */
struct catalog_row {
	char *name;
	char *host;
	struct member_record record;
	struct member_entry entry;
};

struct catalog {
	struct cluster_facts facts;
	struct member_entry own; /* the coordinator's own row */
	struct catalog_row *rows;
	int count;
	struct sql *home;
	struct sql *citus; /* connected while it is needed */
	sql_done_fn done;
	void *ctx;
};

void catalog_init(struct catalog *catalog, struct event_base *loop, const struct identity *id,
	const char *socket_directory);
void catalog_fini(struct catalog *catalog);

/* Reads everything anew; done is called from the loop. */
void catalog_look(struct catalog *catalog, sql_done_fn done, void *ctx);
