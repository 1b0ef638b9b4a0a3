/*
 * An empty member's way back: what it has lost, and filling it again. It talks
 * to the coordinator's managed databases and to the worker's, on sessions of
 * its own; both operations ask what is there first, so that they go on where a
 * killed one ended.
 */
#pragma once

#include <event2/event.h>

#include "agent/membership.h"
#include "agent/sql.h"
#include "node/settings.h"

struct loss_report {
	enum loss loss;
	char words[512]; /* how many shards of which tables; "" for LOSS_NONE */
	char token[40];	 /* stands for exactly this loss; "" unless LOSS_ONLY_COPIES */
};

/* The strings are copied. */
struct repair_case {
	const char *name;
	const char *host;
	int group; /* in pg_dist_node */
	const char *lost_identifier;
	const char *new_identifier;
	bool loss_accepted; /* the lost only copies are made anew, empty */
};

/* report is NULL when failure is not. */
typedef void (*repair_assessed_fn)(
	void *ctx, const struct loss_report *report, const struct err *failure);

struct repair;

struct repair *repair_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, const char *socket_directory);
/* Drops what is under way, without a callback. */
void repair_close(struct repair *repair);

/* Finds out what the empty member has lost; changes nothing. One at a time; assessed is called
 * from the loop. */
void repair_assess(struct repair *repair, const struct repair_case *of, repair_assessed_fn assessed,
	void *ctx);

/* Puts the member back into its place: its metadata, and all shards that the catalog places on it.
 * Fails before anything is changed when only copies were lost and that is not accepted. */
void repair_bring_back(
	struct repair *repair, const struct repair_case *of, sql_done_fn done, void *ctx);
