/*
 * What the agent knows, in one place: it feeds the plan, /status, /metrics, the
 * probes and the log. Each part writes its own fields (README.md); report/ reads
 * them all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/phase.h"
#include "base/postgres_state.h"
#include "node/identity.h"
#include "node/sample_password.h"
#include "view/member_state.h"

/* The databases, and the collations of the managed ones, whose recorded version is not that of the
 * library that orders their text now. */
struct outdated_view {
	int count;
	int listed;	/* the first of them, as many as there is room for */
	char list[768]; /* in words */
};

/* The settings of a server that are not as the program wants them. */
struct overridden_view {
	int count;
	int listed;	  /* the first of them, as many as there is room for */
	char lines[8192]; /* a sentence for each, which ends with a newline */
};

struct member {
	int ordinal;
	char name[80];
	char host[256];
	enum member_state state;
	char reason[256]; /* why, for the operator; "" when there is nothing to say */
	char move[600];	  /* of a misplaced set: "OLD:PORT -> NEW:PORT"; "" for none */
	bool leaving;	  /* its ordinal is not below SET_SIZE any more */
	bool reachable;	  /* it answered the last look */
	bool registered;  /* in pg_dist_node, active, and confirmed by us */
	int group;	  /* of pg_dist_node; -1 when not registered */
	long shards;	  /* placements on it, by the coordinator's catalog */
	char version[32]; /* "15.20", "" when not known */
	char citus[32];	  /* "13.2-1" */
	bool active;	  /* in pg_dist_node, in sync, and admitted: nothing is left to be done */
	char system_identifier[24]; /* of its data directory, as it said last; "" for not known */
	char cluster_id[40]; /* the cluster that it says it belongs to; "" also for not known */
	bool freed;	     /* Citus' changes go on without it until it is back */
	bool disabled;	     /* by hand: its row of pg_dist_node is there, and not active */
	char loss[512]; /* what an empty member has lost, in words; "" for nothing, or not known */
	char loss_problem[512]; /* why it cannot be found out what an empty one has lost, or "" */
	char loss_token[40];	/* what accept-loss must be given to accept exactly that; or "" */
	bool loss_accepted;	/* by the operator */
	int64_t last_seen_ms;	/* clock_now_ms() of the last answer, 0 for never */
	int64_t away_since_s;	/* wall clock, seconds since 1970, of its first missing answer, or 0
				 */
	struct outdated_view outdated;
	struct overridden_view overridden;
	unsigned failures; /* looks or registrations that failed in a row */
};

/* The users' SQL files, on the coordinator. */
struct sql_files_view {
	unsigned applied, waiting;
	char error[1200]; /* of the file that the others wait for; "" for none */
};

/* Whose sessions they are. */
enum connections_of {
	CONNECTIONS_CLIENTS,
	CONNECTIONS_CITUS,  /* of Citus on this node and on others */
	CONNECTIONS_AGENTS, /* of citus-init on this node and on the coordinator */
	CONNECTIONS_OF_COUNT
};

enum prepared_owner { PREPARED_BY_CITUS, PREPARED_BY_OTHERS, PREPARED_OWNERS };

enum { READINGS_LIMITS_MAX = 8, READINGS_TASKS_MAX = 8 };

struct named_count {
	char name[40];
	long count;
};

/* What this node's server was asked for /metrics; -1 for what this Citus, or this role of node,
 * does not have. */
struct readings {
	int64_t read_ms; /* clock_now_ms(), 0 for never */
	long connections[CONNECTIONS_OF_COUNT];
	struct named_count limits[READINGS_LIMITS_MAX]; /* by the settings' names */
	int limit_count;
	struct {
		long count, oldest_s;
	} prepared[PREPARED_OWNERS];
	long pool_connections, pool_busiest; /* Citus' to all nodes, and most to one of them */
	bool daemon_is_up;
	long cleanups;
	struct named_count tasks[READINGS_TASKS_MAX]; /* by status */
	int task_count;
};

struct readings_view {
	struct readings last;
	int64_t took_ms; /* the last reading */
	unsigned reads;
	unsigned failures;
};

enum setup_state {
	SETUP_WAITING,
	SETUP_RUNNING,
	SETUP_UNRECOGNISED, /* what the nodes recognise each other by is there; the rest comes after
			     */
	SETUP_DONE,
	SETUP_FAILED
};

/* The cluster, known on ordinal 0 only; members has size entries, the coordinator first. */
struct cluster_view {
	char id[40]; /* the cluster's UUID; "" until it is minted */
	bool formed;
	bool has_stale;	       /* a member that answers was not told yet which addresses changed */
	char waiting_for[512]; /* in words: what holds up forming or joining; "" for nothing */
	const char *step;      /* the name of the plan's step, "nothing" when all is well */
	char why[1024];	       /* the step in words */
	char chosen[1024];     /* the names of the workers that the step is for, "" for none */
	const char *paused_by; /* "setting" or "wish"; NULL while changes are made */
	/* Of a misplaced set: what adopt must be given to adopt exactly these addresses; why that
	 * is not possible; why the last try was refused, and how many were. */
	char adoption_token[20], adoption_hindrance[512], adoption_refused[512];
	unsigned adoption_refusals;
	int64_t looked_ms; /* clock_now_ms() of the last complete look, 0 for never */
	unsigned looks;
	unsigned registrations;
	unsigned registration_failures;
	/* As many as SET_SIZE says, and as many more as are remembered: a member above the size
	 * stays one until somebody has taken it out of Citus. reach: how many there are to be. */
	struct member *members;
	int count, reach;
};

struct node_view {
	const struct identity *identity;
	int64_t started_ms;
	enum postgres_state postgres;
	int postgres_pid;
	bool postgres_was_ready; /* since this agent started */
	unsigned postgres_restarts;
	unsigned agent_restarts;
	enum phase phase;
	enum setup_state setup;
	char setup_error[1024];
	bool lacks_library; /* the server runs without Citus' library: nobody may ask it */
	int group;	    /* own pg_dist_local_group in citusdb; -1 when not known */
	bool formed;	    /* the coordinator: its memory says that the cluster has been formed */
	bool member;	    /* it may serve: registered, or formed, and known to be who it was */
	char version[32];
	int major; /* of the server that runs, 0 before the first set-up */
	bool has_output_plugin_libraries;
	char citus[32];
	char cluster_id[40]; /* as this node remembers it */
	char abandoned[40];  /* the cluster that this node has been told to abandon, or "" */
	char system_identifier[24];
	char server_start[32]; /* as read_identifier.sql has it */
	/* The cluster has seen which directory this is, since PID 1 started; or it belongs to
	 * none. Before that nothing but who it is leaves it. */
	bool recognised;
	bool admitted; /* a worker: the coordinator has seen who it is, since the server's start */
	enum member_state shut; /* a worker: why the coordinator told it to serve nobody, or
				   MEMBER_UNKNOWN */
	/* The passwords that everybody knows, by their settings; "" for none. */
	char sample_passwords[SAMPLE_PASSWORD_NAMES];
	struct sql_files_view sql_files;
	struct readings_view readings;
	int size;		      /* the coordinator's SET_SIZE, as it is now */
	struct cluster_view *cluster; /* NULL on workers */
};
