/*
 * What the classification and the plan go by: what the nodes said of themselves,
 * what the coordinator remembers, and what Citus' catalog holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "node/databases.h"
#include "view/view.h"

enum look_result {
	LOOK_NONE,	 /* not asked yet */
	LOOK_ANSWERED,	 /* the facts are complete */
	LOOK_NOT_SET_UP, /* it answers, but its own agent has not finished the local set-up */
	LOOK_REFUSED,	 /* it refused our log-in */
	LOOK_SILENT,	 /* no connection within the deadline */
	LOOK_HANGING,	 /* it took the connection, and then did not answer within the deadline */
};

/* What must be alike for shards to move between nodes, and for all of these to order text in one
 * way. The versions are those of the libraries that are there now; "" for none. */
struct fitness {
	int server_version; /* 150020 */
	char citus[32];	    /* the extension's version, "13.2-1" */
	char encoding[32];
	char provider[16]; /* of the locale: "libc", "icu", "builtin" */
	char collation[128];
	char locale[128]; /* of ICU, or of the builtin provider; "" for none */
	char rules[160];  /* of ICU, long ones as their beginning and their hash */
	char collation_version[64];
	char icu_version[64];
	char libc_version[64]; /* "" for not known */
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
	struct outdated_view outdated;
	struct overridden_view overridden;
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
	struct outdated_view outdated;
	const struct superseded *superseded;
	int superseded_count;
	struct {
		char incarnation[40];
		char host[256];	   /* of the coordinator in pg_dist_node; "" for none */
		bool holds_shards; /* the coordinator itself */
		struct fitness fitness;
	} databases[MANAGED_COUNT];
	struct overridden_view overridden; /* of the coordinator's own server */
};

/* Whether now has come less far than before: an earlier timeline, or less WAL on the same one.
 * False when either is not known, or the identifiers differ. */
bool progress_is_behind(const struct progress *now, const struct progress *before);
