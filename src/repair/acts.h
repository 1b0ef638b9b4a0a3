/*
 * The acts of a repair: what is written, in Citus and on the member. Each is
 * harmless when it is done twice.
 */
#pragma once

#include "repair/next_act.h"
#include "sql/sql.h"

/* For whom they are done; the strings are the caller's, but for takers. */
struct repair_acts {
	const char *host, *port, *group; /* of the member, as pg_dist_node has them */
	const char *others;		 /* hosts that may take shards, a PostgreSQL array */
	char *takers;			 /* those of them that Citus lets take shards, likewise */
	bool needs_coordinator;		 /* none may but the coordinator, for a moment */
	sql_done_fn done;
	void *ctx;
};

/* Does one act on one database; not REPAIR_DONE. here is the coordinator's, there the member's.
 * done is called from the loop. */
void repair_acts_do(struct repair_acts *acts, enum repair_act act, struct sql *here,
	struct sql *there, sql_done_fn done, void *ctx);
void repair_acts_fini(struct repair_acts *acts);

/* The act in words, for the log. */
const char *repair_act_words(enum repair_act act);
