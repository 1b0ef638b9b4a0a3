/*
 * The life of PID 1 as a table: state x event -> next state. Pure: what a state
 * does when it is entered is in states.c; this says only where each event
 * leads, how long a state may last, and what the agent is told meanwhile.
 *
 * The shutdown ladder is part of it. Each rung has its share of the one stop
 * deadline; when the share is used up, or when the stop is requested once more,
 * the next rung follows; none leads back. To abandon the data directory takes the
 * same ladder, and at its end, when nothing runs, life begins anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/postgres_state.h"

enum life_state {
	LIFE_SAME,	 /* in the table: the event changes nothing */
	LIFE_LOCKING,	 /* takes the lock, or waits for a former life to let go of it */
	LIFE_PREPARING,	 /* prepare runs */
	LIFE_ABORTING,	 /* prepare was killed, its end is awaited */
	LIFE_STARTING,	 /* postgres runs and is not ready */
	LIFE_READY,	 /* postgres accepts connections */
	LIFE_CLOSING,	 /* postgres shuts down, and nobody asked PID 1 for it */
	LIFE_CLEAR_WAIT, /* the postmaster is dead: its backends may end by themselves ... */
	LIFE_CLEAR_QUIT, /* ... got SIGQUIT ... */
	LIFE_CLEAR_KILL, /* ... got SIGKILL */
	LIFE_WAITING,	 /* the back-off before the next start */
	LIFE_HUSHING,	 /* the stop: the agent makes a fast shutdown possible */
	LIFE_FAST,	 /* SIGINT: fast shutdown */
	LIFE_IMMEDIATE,	 /* SIGQUIT: immediate shutdown, crash recovery at the next start */
	LIFE_KILLING,	 /* SIGKILL to the postmaster and its backends */
	LIFE_DRAIN_WAIT, /* as LIFE_CLEAR_..., with no restart after it */
	LIFE_DRAIN_QUIT,
	LIFE_DRAIN_KILL,
	LIFE_AGENT_TERM, /* postgres is gone; the agent ends */
	LIFE_AGENT_KILL,
	LIFE_OVER,
	LIFE_STATE_COUNT
};

enum life_event {
	EVENT_NONE,
	EVENT_TIMER, /* the state's time has passed */
	EVENT_LOCKED,
	EVENT_FAILED, /* the lock or prepare: there is nothing to run */
	EVENT_PREPARED,
	EVENT_UP,	/* postgres is ready */
	EVENT_CLOSING,	/* postgres says that it is shutting down */
	EVENT_DEATH,	/* the postmaster has ended, or could not be started */
	EVENT_CLEAR,	/* nothing of the dead postmaster is left */
	EVENT_GIVE_UP,	/* too many restarts */
	EVENT_STOP,	/* SIGTERM or SIGINT: stop, or one rung up */
	EVENT_STOP_NOW, /* SIGQUIT: stop, from the immediate rung on */
	EVENT_HUSHED,	/* the agent's answer, or there is no agent to wait for */
	EVENT_ALONE,	/* the agent has ended, or there is none */
	EVENT_ABANDON,	/* the data directory is to be abandoned: stop, then start anew */
	EVENT_ANEW,	/* as EVENT_ALONE, when that was what the stop was for */
	LIFE_EVENT_COUNT
};

enum { LIFE_WHOLE = 1000 };

struct life_trait {
	const char *name;
	unsigned share;	  /* of the stop deadline, in LIFE_WHOLE parts; 0: no limit of its own */
	unsigned most_ms; /* 0: the share alone */
	enum postgres_state told;
	bool scans; /* looks for what the dead postmaster left behind */
};

extern const struct life_trait life_traits[LIFE_STATE_COUNT];

/* Where the event leads; LIFE_SAME when it changes nothing. */
enum life_state life_next(enum life_state state, enum life_event event);

/* Whether postgres is to stay down, for a stop or for too many restarts: nothing is started. */
bool life_is_stopping(enum life_state state);

/* How long the state may last under that stop deadline; -1 when there is no limit. */
int64_t life_limit_ms(enum life_state state, uint32_t stop_deadline_ms);

/* The table as a Mermaid state diagram: the picture in docs/architecture.md. */
void life_print_graph(FILE *out);
