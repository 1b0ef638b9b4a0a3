/*
 * What PID 1 knows, and what it does in each state of its life (life.h): the
 * actions to the table. They start, signal and look, and never wait; waiting is
 * the loop's, in supervisor.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/exit_code.h"
#include "init/agent_child.h"
#include "init/launch.h"
#include "init/life.h"
#include "init/lock.h"
#include "init/postmaster.h"
#include "init/prepare_child.h"
#include "init/restart.h"

/* A time to look at something again, with growing distance. */
struct look {
	int64_t at_ms; /* -1 when there is nothing to look at */
	int64_t delay_ms;
};

struct supervisor {
	enum life_state state;
	int64_t deadline_ms; /* of the state; -1 for none */
	enum exit_code result;
	char abandon[CONTROL_UUID_SIZE]; /* the cluster whose data directory is abandoned when
					    postgres has ended, or "" */
	bool clean;			 /* the last postmaster ended as a fast shutdown ends */
	bool disk_full;			 /* when it died */
	int64_t stop_ms;		 /* when the stop was requested */

	bool more_to_reap; /* of ended children */
	int signal_fd;
	int secrets_fd;
	int notify_fd;
	char *const *environment;

	struct lock lock;
	int64_t lock_until_ms; /* 0 before the first try */
	int64_t lock_delay_ms;
	struct launch launch;
	struct prepare_child prepare;
	struct postmaster postmaster;
	struct restart restart;
	uint32_t restarts;
	struct agent_child agent;
	struct look pidfile; /* readiness without sd_notify */
	struct look scan;    /* for left-over processes */
};

/* Takes the event through the table, enters the states it leads to, and tells the agent. */
void states_step(struct supervisor *s, enum life_event event);

/* The looks that are due, in the states that have them; the event that follows. */
enum life_event states_look_for_leftovers(struct supervisor *s);
enum life_event states_look_at_pidfile(struct supervisor *s);

/* What follows at the end of the ladder: EVENT_NONE while the agent runs. Both it and prepare write
 * beside the data directory, so it has ended before life begins anew. */
enum life_event states_look_for_agent(const struct supervisor *s);

void states_start_agent(struct supervisor *s);

/* Sends the agent what postgres does, if that has changed. */
void states_tell_agent(struct supervisor *s);
