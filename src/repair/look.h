/*
 * What one database of an empty member lacks: the coordinator's catalog says
 * what belongs on the member, the member what of that is there, and the catalog
 * again what is elsewhere. Changes nothing.
 */
#pragma once

#include "repair/loss.h"
#include "repair/next_act.h"
#include "sql/sql.h"

struct repair_look {
	const char *host;  /* of the member; borrowed */
	const char *group; /* its, in pg_dist_node; borrowed */

	bool is_active;		      /* the member, in the database's pg_dist_node */
	struct repair_findings found; /* in the last database, but for in_sync */
	/* Of all databases since the last repair_look_restart(). */
	struct loss_tally only, copies;
	struct loss_tally unmanaged; /* in all databases that are not managed, by unmanaged.h */
	char digest[80]; /* of the shards that are on the member alone or unmanaged, and the seed */

	char *ids, *names, *lost; /* shards, as PostgreSQL arrays */
	struct sql *here, *there;
	sql_done_fn done;
	void *ctx;
};

/* seed is what tells this case's digest from others. */
void repair_look_begin(
	struct repair_look *look, const char *host, const char *group, const char *seed);
/* Begins to count the managed databases anew; the digest goes on. */
void repair_look_restart(struct repair_look *look);
/* Harmless for one that was never begun. */
void repair_look_end(struct repair_look *look);

/* Looks at the next database: here is the coordinator's, there the member's. done is called from
 * the loop; it fails when the group is another host's, or the member is not active. */
void repair_look_run(
	struct repair_look *look, struct sql *here, struct sql *there, sql_done_fn done, void *ctx);

struct loss_report repair_look_report(const struct repair_look *look);
