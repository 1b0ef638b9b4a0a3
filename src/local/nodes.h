/*
 * The nodes of a local cluster as processes: each is one "citus-init run" in a
 * session and a directory of its own. Started again when it ends, with a
 * growing delay, as a kubelet would; asked over HTTP whether it is Ready.
 *
 * Nothing here waits: local's loop calls nodes_turn() when nodes_next_ms() has
 * come, and nodes_on_exit() for each process that it has reaped.
 */
#pragma once

#include <stdint.h>

#include "local/reach.h"
#include "local/state.h"

struct node {
	int ordinal;
	char name[24];
	char host[NETWORK_HOST_SIZE];
	char *directory;
	char *log;
	char *pid_file;
	pid_t pid; /* of its run; 0 when it is down */
	int64_t started_ms;
	int64_t start_at_ms; /* while it is down */
	int64_t delay_ms;    /* the last delay before a start */
	int starts;
	bool ready;
	int64_t ask_at_ms; /* while it runs */
	int64_t ask_delay_ms;
	char reason[512];  /* why it is not Ready, by its own word */
	char silence[256]; /* how the last question failed that had no answer */
	int64_t reason_since_ms;
	bool reason_told;
	bool unclean; /* its last end was not a clean stop */
};

enum nodes_stage {
	NODES_FORMING,	/* asked often; an end that cannot heal is told by nodes_hopeless() */
	NODES_SERVING,	/* asked after a start, until Ready */
	NODES_WATCHED,	/* and every few seconds: for people who follow the events */
	NODES_STOPPING, /* not started again */
};

struct nodes {
	const struct state *state;
	const struct node_user *user;
	char *const *environment; /* the caller's */
	enum nodes_stage stage;
	struct node *items;
	int count;
	int hopeless;	   /* ordinal of a node that will never work; -1 for none */
	int hopeless_code; /* its exit code */
};

/* Makes the nodes' directories. What the pointers name must outlive it. */
int nodes_open(struct nodes *nodes, const struct state *state, const struct node_user *user,
	char *const *environment, struct err *e) NODISCARD;
void nodes_close(struct nodes *nodes);

/* Starts and asks those whose time has come. */
void nodes_turn(struct nodes *nodes);
/* The next moment of clock_now_ms() at which something is due; INT64_MAX for never. */
int64_t nodes_next_ms(const struct nodes *nodes);

/* Whether pid was one of them. */
bool nodes_on_exit(struct nodes *nodes, pid_t pid, int wait_status);

/* To each node that runs. */
void nodes_signal(struct nodes *nodes, int signal);

int nodes_count_running(const struct nodes *nodes);
bool nodes_are_ready(const struct nodes *nodes);
bool nodes_were_unclean(const struct nodes *nodes);

/* Waits until no postgres is left that works in a data directory, for a while, then kills those:
 * a run that was killed has left them behind. Returns how many had to be killed. Blocks. */
int nodes_clear_leftovers(const struct nodes *nodes);
