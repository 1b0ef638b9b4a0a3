/*
 * Who may be a member (membership.c), and what to do next (membership_plan.c):
 * pure functions of what the nodes said of themselves, what the coordinator
 * remembers, and what Citus' catalog holds. Nothing here asks, waits or changes
 * anything.
 *
 * Citus itself takes a worker of another cluster without a word and wipes its
 * metadata, and notices no directory that was made anew or restored from an
 * older copy; so every registration, and every return of a member, passes
 * through member_classify() first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/managed.h"
#include "agent/view.h"

enum look_result {
	LOOK_NONE,	 /* not asked yet */
	LOOK_ANSWERED,	 /* the facts are complete */
	LOOK_NOT_SET_UP, /* it answers, but its own agent has not finished the local set-up */
	LOOK_REFUSED,	 /* it refused our log-in */
	LOOK_SILENT,	 /* no connection within the deadline */
	LOOK_HANGING,	 /* it took the connection, and then did not answer within the deadline */
};

/* What must be alike for shards to move between nodes. */
struct fitness {
	int server_version; /* 150020 */
	char citus[32];	    /* the extension's version, "13.2-1" */
	char encoding[32];
	char collation[64];
	char collation_version[64];
};

/* How far a data directory had come: a copy that is restored later has come less far. */
struct progress {
	char system_identifier[24]; /* "" for not known */
	int timeline;
	uint64_t lsn; /* flushed WAL */
};

/* What a worker said of one managed database at the last look. */
struct database_facts {
	char incarnation[40];		 /* as the coordinator wrote it there; "" for none */
	int group;			 /* pg_dist_local_group */
	long long nodes, tables, shards; /* rows of its pg_dist_node, _partition, _shard */
	struct fitness fitness;
};

/* What a worker said of itself at the last look. */
struct member_facts {
	enum look_result look;
	char problem[256]; /* why there are no facts */
	char cluster_id[40];
	char name[80];
	bool admitted;		     /* since its server's start: it may serve everybody */
	struct progress own;	     /* what it is now */
	struct progress coordinator; /* what it remembers of the coordinator */
	struct database_facts databases[MANAGED_COUNT];
};

/* What schema citus_init on the coordinator remembers of it. */
struct member_record {
	bool intended;	      /* the intent to register it is written */
	bool registered;      /* and the registration was confirmed */
	bool left;	      /* it was removed from the cluster in order */
	struct progress seen; /* of the registered directory, or of the intended one */
	char successor[24]; /* of the empty directory that is to take the registered one's place */
	char accepted[40];  /* the token of the loss that the operator has accepted, or "" */
};

/* Its row of the coordinator's pg_dist_node, in one managed database. */
struct member_entry {
	bool present;
	bool active;
	bool has_metadata; /* false after stop_metadata_sync_to_node() */
	int group;
	long shards;
};

/* A directory that accept-loss wrote off. */
struct superseded {
	char system_identifier[24];
};

struct cluster_facts {
	char id[40]; /* "" until it is minted */
	bool formed;
	struct progress own; /* the coordinator's directory */
	const struct superseded *superseded;
	int superseded_count;
	struct {
		char incarnation[40];
		char host[256];	   /* of the coordinator in pg_dist_node; "" for none */
		bool holds_shards; /* the coordinator itself */
		struct fitness fitness;
	} databases[MANAGED_COUNT];
};

/* What is known of one worker, for the classification. */
struct member_case {
	const char *name;
	const struct member_facts *facts;
	const struct member_record *record;
	const struct member_entry *entries; /* MANAGED_COUNT */
	const char *twin;		    /* who else has its system identifier, or NULL */
};

/* What is done about a node in that state, and what the operator can do. */
const char *member_state_action(enum member_state state);

/* The state, and in reason (size bytes) why, for the operator; "" for the unremarkable ones. */
enum member_state member_classify(const struct member_case *c, const struct cluster_facts *cluster,
	char *reason, size_t size);

/*
 * The same test for the coordinator's own directory, against what count workers remember of it:
 * MEMBER_NEW before the cluster's id is minted, MEMBER_OURS, MEMBER_FOREIGN (all that answer
 * belong to another cluster), MEMBER_OLDER, or MEMBER_UNKNOWN until each worker has been looked
 * at once, whatever came of it.
 */
enum member_state member_classify_coordinator(const struct member_case *workers, int count,
	const struct cluster_facts *cluster, char *reason, size_t size);

/* Whether now has come less far than before: an earlier timeline, or less WAL on the same one.
 * False when either is not known, or the identifiers differ. */
bool progress_is_behind(const struct progress *now, const struct progress *before);

enum plan_step {
	PLAN_NOTHING,
	PLAN_WAIT,	 /* for what plan.why says */
	PLAN_ABANDON,	 /* tell the chosen workers to put their old cluster's directory aside */
	PLAN_MINT,	 /* make the cluster's id: every worker has answered that it is new */
	PLAN_ADMIT,	 /* tell the chosen members that they are who they were: they may serve */
	PLAN_STAMP,	 /* write the intent here, then the identity on the chosen workers */
	PLAN_REGISTER,	 /* hand the chosen workers to Citus */
	PLAN_CONFIRM,	 /* remember that the chosen workers are registered, and tell them */
	PLAN_FORM,	 /* remember that the cluster has been formed */
	PLAN_ASSESS,	 /* find out what the chosen empty member has lost */
	PLAN_BRING_BACK, /* fill the chosen empty member again and put it in its old place */
	PLAN_ACTIVATE, /* sync the metadata of the chosen member that was freed while it was away */
	PLAN_FREE,     /* let the others' changes go on without the chosen dead or empty member */
	PLAN_STEP_COUNT
};

enum { MEMBERS_MAX = 256 };

/* What an empty member has lost, by the coordinator's catalog and its own files. */
enum loss {
	LOSS_UNKNOWN,	  /* not assessed yet */
	LOSS_NONE,	  /* no shards were on it */
	LOSS_COPIES,	  /* each of its shards has another good copy */
	LOSS_ONLY_COPIES, /* rows that were nowhere else */
};

/* One worker, as the plan sees it. */
struct plan_member {
	const char *name;
	enum member_state state;
	bool recorded;	    /* confirmed in our memory */
	bool due;	    /* its back-off has passed, and nobody is busy with it */
	unsigned failures;  /* registrations that failed in a row */
	bool in_citus;	    /* it has an active row in pg_dist_node */
	bool has_metadata;  /* and Citus keeps its metadata in sync */
	bool stamped;	    /* the identity on it is complete */
	bool admitted;	    /* it may serve, as it knows */
	bool gone;	    /* away for longer than the grace period */
	bool leaving;	    /* its ordinal is not below SET_SIZE any more */
	bool left_out;	    /* form --without: the first forming does not wait for it */
	bool to_abandon;    /* form --abandon: it belongs to the cluster that is to be given up */
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
void membership_plan(const struct cluster_facts *cluster, const struct plan_member *workers,
	int count, bool one_by_one, struct plan *plan);

/* "nothing", "wait", "mint", ... */
const char *plan_step_name(enum plan_step step);

/* Whether the step changes something that "pause" holds up. Admitting is none: it lets a member
 * serve what it has; nor is assessing, which only looks. */
bool plan_step_is_change(enum plan_step step);

/* The tables of states and of steps as Markdown, for docs/architecture.md. */
void membership_print_states(FILE *out);
void membership_print_steps(FILE *out);
