/*
 * What to do next: a pure function of what each worker is, what the coordinator
 * remembers, and what Citus' catalog holds. Nothing here asks, waits or changes
 * anything.
 */
#pragma once

#include "cluster/facts.h"
#include "repair/loss.h"
#include "view/member_state.h"
#include "view/plan_step.h"

/* One worker, as the plan sees it. */
struct plan_member {
	const char *name;
	enum member_state state;
	bool recorded;	   /* confirmed in our memory */
	bool addressed;	   /* and its address is remembered there */
	bool due;	   /* its back-off has passed, and nobody is busy with it */
	unsigned failures; /* registrations that failed in a row */
	bool in_citus;	   /* it has an active row in pg_dist_node */
	bool has_metadata; /* and Citus keeps its metadata in sync */
	bool is_stale;	   /* but has not told it yet what changed */
	bool stamped;	   /* the identity on it is complete */
	bool recognised;   /* for this start of its server */
	bool admitted;	   /* it may serve, as it knows */
	bool shut;	   /* it may not, since it is in this state, as it knows */
	bool disabled;	   /* somebody disabled it in Citus */
	bool gone;	   /* away for longer than the grace period */
	bool leaving;	   /* its ordinal is not below SET_SIZE any more */
	bool left_out;	   /* form --without: the first forming does not wait for it */
	bool of_another; /* it says, or said before it went silent, that it is another cluster's */
	bool to_abandon; /* form --abandon: of that cluster, and on the list that was confirmed */
	bool not_confirmed; /* of that cluster, and not on the list */
	bool has_successor; /* the empty directory on it is the one that is to be brought back */
	enum loss loss;	    /* of an empty one */
	bool loss_accepted; /* by the operator, exactly this one */
};

struct plan {
	enum plan_step step;
	bool chosen[MEMBERS_MAX]; /* by index of the workers given */
	char why[1024];		  /* the step in words, or what it waits for */
	char waiting_for[512];	  /* who is not where it should be, with its state; "" for nobody */
};

/* The one next step. one_by_one: the last batch failed, so register a single worker. */
void plan_next_step(const struct cluster_facts *cluster, const struct plan_member *workers,
	int count, bool one_by_one, struct plan *plan);
