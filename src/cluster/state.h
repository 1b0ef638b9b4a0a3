/*
 * What loop.c (look, plan), steps.c and return.c (carry out)
 * share: the coordinator's whole knowledge of its cluster. For these files only.
 */
#pragma once

#include <event2/event.h>

#include "cluster/catalog.h"
#include "cluster/plan.h"
#include "cluster/watch.h"
#include "node/settings.h"
#include "repair/copies.h"
#include "repair/repair.h"
#include "sql/sql.h"
#include "view/view.h"

/* A worker and all that is known of it. */
struct worker {
	struct watch *watch;
	struct member *view;
	struct catalog_row *row;
	struct progress seen; /* how far its directory had come, finer than the catalog knows */
	struct member_record record; /* the catalog's, with that */
	struct loss_report loss;     /* of an empty one, once assessed */
	char assessed[24];	     /* the identifier of the empty directory that was assessed */
	bool was_looked_at;	     /* once since the server started, whatever came of it */
	unsigned failures;	     /* changes that failed in a row */
	int64_t retry_ms;
	int64_t due_ms;	   /* the next change not before this, clock_now_ms() */
	int64_t told_ms;   /* clock_now_ms(): when it heard how far the coordinator has come */
	int64_t away_ms;   /* clock_now_ms() of its first missing answer, or 0 */
	bool is_asked_for; /* somebody told of it: a round follows the look, whatever it finds */
};

struct members {
	const struct settings *settings;
	const struct identity *id;
	struct node_view *node;
	struct cluster_view *view;
	struct catalog catalog;
	struct sql *work[MANAGED_COUNT]; /* changes: registration above all; with patience */
	struct repair *repair;
	struct copies *copies;
	bool copies_failed;  /* the last time, which has been told */
	struct event *timer; /* the next round, while something is not as it should be */
	struct event *calm;
	unsigned calm_count;
	struct worker *workers;
	int count;
	void (*changed)(void *ctx);
	void *ctx;

	bool is_running; /* a round of look, plan, step is under way */
	bool is_stale;	 /* something was seen meanwhile: another round */
	bool one_by_one; /* the last batch failed */
	int64_t retry_ms;
	struct plan plan;

	/* The step under way. */
	int writing; /* writes on workers not ended yet */
	int database;
	char *hosts, *others, *names, *identifiers, *empties, *incarnations, *timelines, *lsns;
	char port[8];
};

/* Carries the plan's step out, and calls members_end_round() when it has ended. */
void member_steps_take(struct members *m);

/* The steps for an empty member. */
void member_return_assess(struct members *m);
void member_return_bring_back(struct members *m);

/* Writes how far the members' directories have come, if that has fallen behind; then done. */
void member_steps_remember(struct members *m, sql_done_fn done);

/* Ends the round; failure is NULL when its step was carried out, or told otherwise. */
void members_end_round(struct members *m, const struct err *failure);

/* The worker of a step that is for one alone. */
struct worker *members_only_chosen(struct members *m);

/* The outcome of a change to a worker: its back-off grows, or ends with a look at it. */
void members_note_failure(struct members *m, struct worker *w);
void members_note_success(struct worker *w);
