/*
 * The coordinator's whole knowledge of its cluster: what each worker says of
 * itself, what the memory and Citus' catalog hold of it, and what it is by
 * that. The loop and the steps work on it; the view gets what others may see.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/catalog.h"
#include "cluster/plan.h"
#include "cluster/watch.h"
#include "node/settings.h"
#include "repair/loss.h"
#include "sql/array.h"
#include "view/view.h"

/* A worker and all that is known of it. */
struct worker {
	struct watch *watch;
	struct member *view;
	struct catalog_row *row;
	/* Which directories are recognised under its name, the member's and the one that is to take
	 * its place, and for which start of the server; as the last whole look at the catalog, or a
	 * step since, has it. */
	struct {
		char system_identifier[24], successor[24];
		char start[32];
	} recognised;
	struct epoch next_epoch; /* noted for it, while it is being begun */
	bool has_begun;		 /* that epoch */
	struct loss_report loss; /* of an empty one, once assessed */
	char loss_problem[512];	 /* why the last assessment failed, or "" */
	char assessed[24];	 /* the identifier of the empty directory that was assessed */
	bool was_looked_at;	 /* once since the server started, whatever came of it */
	unsigned failures;	 /* changes that failed in a row */
	int64_t retry_ms;
	int64_t due_ms;	   /* the next change not before this, clock_now_ms() */
	int64_t epoch_ms;  /* clock_now_ms(): when its last epoch began */
	int64_t away_ms;   /* clock_now_ms() of its first missing answer, or 0 */
	bool is_asked_for; /* a NOTIFY named it: a round follows the look, whatever it finds */
};

struct cluster {
	const struct settings *settings;
	const struct identity *id;
	struct node_view *node;
	struct cluster_view *view;
	struct catalog catalog;
	struct worker *workers; /* by ordinal - 1 */
	int count;
};

/* Makes view->cluster, which lives as long; each worker is watched from now on, and the
 * watcher is told. The workers are those of view->size, and those remembered, below reach. */
void cluster_init(struct cluster *c, struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, int reach,
	const struct watcher *watcher);
void cluster_fini(struct cluster *c);

/* NULL for a name that is no worker's. */
struct worker *cluster_worker_of_name(struct cluster *c, const char *name);

/* Whether the worker whose memory says what was found may be entered: it belongs to no cluster, or
 * it is the directory that was recognised, for this start of its server; and the coordinator itself
 * is recognised. */
bool cluster_may_enter(
	const struct cluster *c, const struct worker *w, const struct member_facts *found);

/* The chosen workers, by index, have been written down as recognised, as they were seen. */
void cluster_note_recognised(struct cluster *c, const bool chosen[]);

/* Classifies every node by what was looked up, and logs each change of state once. */
void cluster_classify(struct cluster *c);

/* The next step; a coordinator that is not known to be the right one changes nothing. */
void cluster_plan(const struct cluster *c, bool one_by_one, struct plan *plan);

/* Shows the plan, and what is known of the cluster and the coordinator, in the view. */
void cluster_publish(struct cluster *c, const struct plan *plan);

/* The hosts, names and so on of the chosen workers, by index, as a PostgreSQL array, which the
 * caller frees; add adds one. */
char *cluster_array_of(const struct cluster *c, const bool chosen[],
	void (*add)(struct sql_array *array, const struct worker *w));

/* Two of those that add one. */
void cluster_add_host(struct sql_array *array, const struct worker *w);
void cluster_add_name(struct sql_array *array, const struct worker *w);
