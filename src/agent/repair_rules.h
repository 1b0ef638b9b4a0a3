/*
 * The thinking of a repair: which act is next, and a loss in words. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/membership.h"

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

/* The next act; each brings another one nearer, whatever an earlier run had done. */
enum repair_act repair_next_act(const struct repair_findings *found);

/* A loss: first the numbers, then the tables one after the other. */
struct loss_words {
	char *text; /* size bytes */
	size_t size;
	int tables;   /* of the loss */
	int named;    /* of them that stand in text */
	bool is_full; /* no further one may be named */
};

/* Begins text; nothing follows for LOSS_NONE. */
void loss_words_begin(
	struct loss_words *words, enum loss loss, long shards, int tables, char *text, size_t size);
/* Names the next table. When they do not all fit, "and 12 more" stands for the rest. */
void loss_words_add(struct loss_words *words, const char *table);
