/* Which act of a repair is next: a pure function of what is found. */
#pragma once

#include <stdbool.h>

/* What is found in one database. */
struct repair_findings {
	bool active;	  /* the member's row of pg_dist_node is */
	bool in_sync;	  /* this run has given the member its metadata */
	long lost;	  /* shards that are placed on it alone, and are not there */
	long lost_copies; /* shards that are not there, and are elsewhere */
	long only_there;  /* shards that are placed on it alone, there or not */
};

enum repair_act {
	REPAIR_ACTIVATE, /* give it its metadata; what Citus disabled loses its copies in the
			    catalog */
	REPAIR_RECREATE, /* make lost shards anew, empty */
	REPAIR_MOVE,	 /* put the shards that are there alone on other nodes */
	REPAIR_DISABLE,	 /* the only way to take copies from it in the catalog */
	REPAIR_DONE,
};

/* The next act. Each brings the end nearer, whatever an earlier run has done. */
enum repair_act repair_next_act(const struct repair_findings *found);
