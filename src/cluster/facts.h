/*
 * What the classification and the plan go by: what the nodes said of themselves,
 * what the coordinator remembers, and what Citus' catalog holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "node/databases.h"
#include "view/view.h"

/* SET_SIZE is 255 at most. */
enum { MEMBERS_MAX = 256 };

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

/*
 * An epoch of a member's data directory: the coordinator begins one at each admission, and whenever
 * something was written on either side since the last one. So an older copy of either directory is
 * in an earlier epoch than the other side remembers.
 */
struct epoch {
	int64_t number; /* 0 before the first */
	char id[40];	/* random: two copies that each went on differ; "" before the first */
};

enum epoch_order {
	EPOCH_CURRENT, /* the remembered one, or the noted one */
	EPOCH_BEHIND,
	EPOCH_AHEAD,
	EPOCH_FORKED, /* of the same number, and another one */
};

/* Where a node is, or is registered. */
struct address {
	char host[256]; /* "" for not known */
	int port;
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
	char system_identifier[24];
	char server_start[32]; /* which start of its server */
	bool entered;  /* the databases were asked: it is recognised, or belongs to no cluster */
	bool admitted; /* since its server's start: it may serve everybody */
	char shut[16]; /* the name of the state for which it was told to serve nobody, or "" */
	bool settled;  /* nothing has been written on its server since its epoch began */
	struct epoch epoch;
	struct outdated_view outdated;
	struct overridden_view overridden;
	struct database_facts databases[MANAGED_COUNT];
};

/* What schema citus_init on the coordinator remembers of it. */
struct member_record {
	bool intended;		    /* the intent to register it is written */
	bool registered;	    /* and the registration was confirmed */
	char system_identifier[24]; /* of the registered directory, or of the intended one */
	struct epoch epoch;	    /* the one that it has begun */
	char next_epoch[40];	    /* the id of the one noted for it, or "" */
	struct address address;	    /* under which it is registered */
	char recognised_start[32];  /* for which start of its server it was recognised, or "" */
	char successor[24]; /* of the empty directory that is to take the registered one's place */
	char accepted[40];  /* the token of the loss that the operator has accepted, or "" */
};

/* Its row of the coordinator's pg_dist_node, in one managed database. */
struct member_entry {
	bool present;
	bool active;
	bool has_metadata; /* false after stop_metadata_sync_to_node() */
	bool is_stale;	   /* it has metadata, and was not told yet what changed in that */
	int group;
	long shards;
};

/* A directory that accept-loss wrote off. */
struct superseded {
	char system_identifier[24];
};

/* A row of pg_dist_node whose address is that of none of this set's nodes. */
struct stranger {
	int database; /* index of managed_databases */
	int group;
	struct address address;
};

struct cluster_facts {
	char id[40];	  /* "" until it is minted */
	char next_id[40]; /* which it is about to take, since it is a copy; or "" */
	bool formed;
	struct address here;	/* of the coordinator, as this set has it */
	struct address address; /* under which it is remembered to be registered */
	char system_identifier[24];
	bool settled; /* nothing has been written on this server since the members' epochs began */
	bool entered; /* its databases were asked: the coordinator itself is recognised */
	struct outdated_view outdated;
	int reach; /* above the ordinals of all that are remembered */
	const struct superseded *superseded;
	int superseded_count;
	const struct stranger *strangers;
	int stranger_count;
	struct {
		char incarnation[40];
		struct address address; /* of the coordinator in pg_dist_node */
		bool holds_shards;	/* the coordinator itself */
		struct fitness fitness;
	} databases[MANAGED_COUNT];
	struct overridden_view overridden; /* of the coordinator's own server */
};

/* Whether it is the cluster's id, or the one that it is about to take. */
bool cluster_has_id(const struct cluster_facts *cluster, const char *id);

/* "" is the same as nothing else. */
bool address_is(const struct address *address, const char *host, int port);

/* The epoch that a member is in, compared with what the coordinator remembers of it. */
enum epoch_order epoch_compare(const struct epoch *it, const struct member_record *record);
