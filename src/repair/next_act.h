/* Which act of a repair is next: a pure function of what is found. */
#pragma once

#include <stdbool.h>

/* What is found in one database. */
struct repair_findings {
	bool in_sync;	  /* this run has given the member its metadata */
	long lost;	  /* shards that are placed on it alone, and are not there */
	long lost_copies; /* shards that are not there, and are elsewhere */
	long only_there;  /* shards that are placed on it alone, there or not */
};

enum repair_act {
	REPAIR_ACTIVATE, /* give it its metadata */
	REPAIR_RECREATE, /* make lost shards anew, empty */
	REPAIR_MOVE,	 /* put the shards that are there alone on other nodes */
	REPAIR_FORGET,	 /* take its copies from it in the catalog; gives it its metadata too */
	REPAIR_DONE,
};

/* The next act. Each brings the end nearer, whatever an earlier run has done. */
enum repair_act repair_next_act(const struct repair_findings *found);
