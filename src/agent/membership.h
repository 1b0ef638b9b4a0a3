/*
 * Who may be a member, and what to do next: pure functions of what the nodes
 * said of themselves, what the coordinator remembers, and what Citus' catalog
 * holds. Nothing here asks, waits or changes anything.
 *
 * Citus itself takes a worker of another cluster without a word and wipes its
 * metadata, and notices no directory that was made anew; so every registration
 * passes through member_classify() first.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "agent/view.h"

enum look_result {
	LOOK_NONE,	 /* not asked yet */
	LOOK_ANSWERED,	 /* the facts are complete */
	LOOK_NOT_SET_UP, /* it answers, but its own agent has not finished the local set-up */
	LOOK_REFUSED,	 /* it refused our log-in */
	LOOK_SILENT,	 /* no connection, or no answer within the deadline */
};

/* What must be alike for shards to move between nodes. */
struct fitness {
	int server_version; /* 150020 */
	char citus[32];	    /* the extension's version, "13.2-1" */
	char encoding[32];
	char collation[64];
	char collation_version[64];
};

/* What a worker said of itself at the last look. */
struct member_facts {
	enum look_result look;
	char problem[256]; /* why there are no facts */
	char cluster_id[40];
	char name[80];
	char system_identifier[24];
	int group;			 /* pg_dist_local_group */
	long long nodes, tables, shards; /* rows of its pg_dist_node, _partition, _shard */
	struct fitness fitness;
};

/* What schema citus_init on the coordinator remembers of it. */
struct member_record {
	bool intended;	 /* the intent to register it is written */
	bool registered; /* and the registration was confirmed */
	char system_identifier[24];
};

/* Its row of the coordinator's pg_dist_node. */
struct member_entry {
	bool present;
	bool active;
	int group;
	long shards;
};

struct cluster_facts {
	char id[40]; /* "" until it is minted */
	bool formed;
	char host[256];	   /* of the coordinator in pg_dist_node; "" for none */
	bool holds_shards; /* the coordinator itself */
	struct fitness fitness;
};

/* The state, and in reason (size bytes) why, for the operator; "" for the unremarkable ones. */
enum member_state member_classify(const char *name, const struct member_facts *facts,
	const struct member_record *record, const struct member_entry *entry,
	const struct cluster_facts *cluster, char *reason, size_t size);

enum plan_step {
	PLAN_NOTHING,
	PLAN_WAIT,     /* for what plan.waiting_for says */
	PLAN_MINT,     /* make the cluster's id: every worker has answered that it is new */
	PLAN_STAMP,    /* write the intent here, then cluster id and name on the chosen workers */
	PLAN_REGISTER, /* hand the chosen workers to Citus */
	PLAN_CONFIRM,  /* remember that the chosen workers are registered, and tell them */
	PLAN_FORM,     /* remember that the cluster has been formed */
	PLAN_STEP_COUNT
};

enum { MEMBERS_MAX = 256 };

/* One worker, as the plan sees it. */
struct plan_member {
	const char *name;
	enum member_state state;
	bool recorded;	   /* confirmed in our memory */
	bool due;	   /* its back-off has passed */
	unsigned failures; /* registrations that failed in a row */
};

struct plan {
	enum plan_step step;
	bool chosen[MEMBERS_MAX]; /* by index of the workers given */
	char waiting_for[512];
};

/* The one next step. one_by_one: the last batch failed, so register a single worker. */
void membership_plan(const struct cluster_facts *cluster, const struct plan_member *workers,
	int count, bool one_by_one, struct plan *plan);

const char *plan_step_name(enum plan_step step);

/* The table of states as Markdown, for docs/architecture.md. */
void membership_print_states(FILE *out);
