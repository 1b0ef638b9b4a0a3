#include "init/life.h"

#include "base/mem.h"

#include "base/banned.h"

/*
 * The shares of the ladder add up to the whole deadline (a unit test adds them).
 * Immediate gets more than 5 s of a usual deadline: after so long the postmaster
 * kills children that do not react (SIGKILL_CHILDREN_AFTER_SECS in postmaster.c).
 * The CLEAR states belong to a restart and have the whole for themselves.
 */
const struct life_trait life_traits[LIFE_STATE_COUNT] = {
	[LIFE_LOCKING] = { "locking", .told = POSTGRES_DOWN },
	[LIFE_PREPARING] = { "preparing", .told = POSTGRES_DOWN },
	[LIFE_ABORTING] = { "aborting", .told = POSTGRES_DOWN },
	[LIFE_STARTING] = { "starting", .told = POSTGRES_STARTING },
	[LIFE_READY] = { "ready", .told = POSTGRES_READY },
	[LIFE_CLOSING] = { "closing", .told = POSTGRES_STOPPING },
	[LIFE_CLEAR_WAIT] = { "clear_wait", 100, 2500, POSTGRES_DOWN, .scans = true },
	[LIFE_CLEAR_QUIT] = { "clear_quit", 100, 2500, POSTGRES_DOWN, .scans = true },
	[LIFE_CLEAR_KILL] = { "clear_kill", 800, 0, POSTGRES_DOWN, .scans = true },
	[LIFE_WAITING] = { "waiting", .told = POSTGRES_DOWN },
	[LIFE_HUSHING] = { "hushing", 50, 1000, POSTGRES_STOPPING },
	[LIFE_FAST] = { "fast", 600, 0, POSTGRES_STOPPING },
	[LIFE_IMMEDIATE] = { "immediate", 230, 0, POSTGRES_STOPPING },
	[LIFE_KILLING] = { "killing", 20, 0, POSTGRES_STOPPING },
	[LIFE_DRAIN_WAIT] = { "drain_wait", 20, 0, POSTGRES_STOPPING, .scans = true },
	[LIFE_DRAIN_QUIT] = { "drain_quit", 30, 0, POSTGRES_STOPPING, .scans = true },
	[LIFE_DRAIN_KILL] = { "drain_kill", 20, 0, POSTGRES_STOPPING, .scans = true },
	[LIFE_AGENT_TERM] = { "agent_term", 20, 0, POSTGRES_DOWN },
	[LIFE_AGENT_KILL] = { "agent_kill", 10, 0, POSTGRES_DOWN },
	[LIFE_OVER] = { "over", .told = POSTGRES_DOWN },
};

static const enum life_state transitions[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
	[LIFE_LOCKING] = {
		[EVENT_TIMER] = LIFE_LOCKING,
		[EVENT_LOCKED] = LIFE_PREPARING,
		[EVENT_FAILED] = LIFE_OVER,
		[EVENT_STOP] = LIFE_OVER,
		[EVENT_STOP_NOW] = LIFE_OVER,
	},
	[LIFE_PREPARING] = {
		[EVENT_PREPARED] = LIFE_STARTING,
		[EVENT_FAILED] = LIFE_OVER,
		[EVENT_STOP] = LIFE_ABORTING,
		[EVENT_STOP_NOW] = LIFE_ABORTING,
	},
	[LIFE_ABORTING] = {
		[EVENT_PREPARED] = LIFE_OVER,
		[EVENT_FAILED] = LIFE_OVER,
	},
	[LIFE_STARTING] = {
		[EVENT_UP] = LIFE_READY,
		[EVENT_CLOSING] = LIFE_CLOSING,
		[EVENT_DEATH] = LIFE_CLEAR_WAIT,
		[EVENT_STOP] = LIFE_HUSHING,
		[EVENT_STOP_NOW] = LIFE_IMMEDIATE,
	},
	[LIFE_READY] = {
		[EVENT_ABANDON] = LIFE_HUSHING,
		[EVENT_CLOSING] = LIFE_CLOSING,
		[EVENT_DEATH] = LIFE_CLEAR_WAIT,
		[EVENT_STOP] = LIFE_HUSHING,
		[EVENT_STOP_NOW] = LIFE_IMMEDIATE,
	},
	[LIFE_CLOSING] = {
		[EVENT_DEATH] = LIFE_CLEAR_WAIT,
		[EVENT_STOP] = LIFE_HUSHING,
		[EVENT_STOP_NOW] = LIFE_IMMEDIATE,
	},
	[LIFE_CLEAR_WAIT] = {
		[EVENT_CLEAR] = LIFE_WAITING,
		[EVENT_TIMER] = LIFE_CLEAR_QUIT,
		[EVENT_STOP] = LIFE_DRAIN_WAIT,
		[EVENT_STOP_NOW] = LIFE_DRAIN_QUIT,
	},
	[LIFE_CLEAR_QUIT] = {
		[EVENT_CLEAR] = LIFE_WAITING,
		[EVENT_TIMER] = LIFE_CLEAR_KILL,
		[EVENT_STOP] = LIFE_DRAIN_QUIT,
		[EVENT_STOP_NOW] = LIFE_DRAIN_QUIT,
	},
	[LIFE_CLEAR_KILL] = {
		[EVENT_CLEAR] = LIFE_WAITING,
		[EVENT_TIMER] = LIFE_CLEAR_KILL,
		[EVENT_STOP] = LIFE_DRAIN_KILL,
		[EVENT_STOP_NOW] = LIFE_DRAIN_KILL,
	},
	[LIFE_WAITING] = {
		[EVENT_TIMER] = LIFE_STARTING,
		[EVENT_GIVE_UP] = LIFE_AGENT_TERM,
		[EVENT_STOP] = LIFE_AGENT_TERM,
		[EVENT_STOP_NOW] = LIFE_AGENT_TERM,
	},
	[LIFE_HUSHING] = {
		[EVENT_HUSHED] = LIFE_FAST,
		[EVENT_TIMER] = LIFE_FAST,
		[EVENT_DEATH] = LIFE_DRAIN_WAIT,
		[EVENT_STOP] = LIFE_FAST,
		[EVENT_STOP_NOW] = LIFE_IMMEDIATE,
	},
	[LIFE_FAST] = {
		[EVENT_DEATH] = LIFE_DRAIN_WAIT,
		[EVENT_TIMER] = LIFE_IMMEDIATE,
		[EVENT_STOP] = LIFE_IMMEDIATE,
		[EVENT_STOP_NOW] = LIFE_IMMEDIATE,
	},
	[LIFE_IMMEDIATE] = {
		[EVENT_DEATH] = LIFE_DRAIN_WAIT,
		[EVENT_TIMER] = LIFE_KILLING,
		[EVENT_STOP] = LIFE_KILLING,
		[EVENT_STOP_NOW] = LIFE_KILLING,
	},
	[LIFE_KILLING] = {
		[EVENT_DEATH] = LIFE_DRAIN_KILL,
		[EVENT_TIMER] = LIFE_DRAIN_KILL,
	},
	[LIFE_DRAIN_WAIT] = {
		[EVENT_CLEAR] = LIFE_AGENT_TERM,
		[EVENT_TIMER] = LIFE_DRAIN_QUIT,
		[EVENT_STOP] = LIFE_DRAIN_QUIT,
		[EVENT_STOP_NOW] = LIFE_DRAIN_QUIT,
	},
	[LIFE_DRAIN_QUIT] = {
		[EVENT_CLEAR] = LIFE_AGENT_TERM,
		[EVENT_TIMER] = LIFE_DRAIN_KILL,
		[EVENT_STOP] = LIFE_DRAIN_KILL,
		[EVENT_STOP_NOW] = LIFE_DRAIN_KILL,
	},
	[LIFE_DRAIN_KILL] = {
		[EVENT_CLEAR] = LIFE_AGENT_TERM,
		[EVENT_TIMER] = LIFE_AGENT_TERM,
	},
	[LIFE_AGENT_TERM] = {
		[EVENT_ALONE] = LIFE_OVER,
		[EVENT_ANEW] = LIFE_PREPARING,
		[EVENT_TIMER] = LIFE_AGENT_KILL,
		[EVENT_STOP] = LIFE_AGENT_KILL,
		[EVENT_STOP_NOW] = LIFE_AGENT_KILL,
	},
	[LIFE_AGENT_KILL] = {
		[EVENT_ALONE] = LIFE_OVER,
		[EVENT_ANEW] = LIFE_PREPARING,
		[EVENT_TIMER] = LIFE_OVER,
	},
};

static const char *const event_names[LIFE_EVENT_COUNT] = {
	[EVENT_NONE] = "none",
	[EVENT_TIMER] = "timer",
	[EVENT_LOCKED] = "locked",
	[EVENT_FAILED] = "failed",
	[EVENT_PREPARED] = "prepared",
	[EVENT_UP] = "up",
	[EVENT_CLOSING] = "closing",
	[EVENT_DEATH] = "death",
	[EVENT_CLEAR] = "clear",
	[EVENT_GIVE_UP] = "give up",
	[EVENT_STOP] = "stop",
	[EVENT_STOP_NOW] = "stop now",
	[EVENT_HUSHED] = "hushed",
	[EVENT_ALONE] = "alone",
	[EVENT_ABANDON] = "abandon",
	[EVENT_ANEW] = "anew",
};

enum life_state life_next(enum life_state state, enum life_event event)
{
	return transitions[state][event];
}

bool life_is_stopping(enum life_state state)
{
	return state >= LIFE_HUSHING;
}

int64_t life_limit_ms(enum life_state state, uint32_t stop_deadline_ms)
{
	const struct life_trait *trait = &life_traits[state];

	if (trait->share == 0)
		return -1;
	int64_t limit = (int64_t)stop_deadline_ms * trait->share / LIFE_WHOLE;
	return trait->most_ms && limit > trait->most_ms ? trait->most_ms : limit;
}

/* One arrow for each pair of states, labelled with all events that lead along it. */
static void print_arrow(FILE *out, enum life_state from, enum life_state to)
{
	const char *separator = " : ";

	for (size_t event = 0; event < ARRAY_LEN(event_names); event++) {
		if (transitions[from][event] != to)
			continue;
		if (separator[1] == ':')
			fprintf(out, "    %s --> %s", life_traits[from].name,
				to == LIFE_OVER ? "[*]" : life_traits[to].name);
		fprintf(out, "%s%s", separator, event_names[event]);
		separator = ", ";
	}
	if (separator[0] == ',')
		fprintf(out, "\n");
}

void life_print_graph(FILE *out)
{
	fprintf(out, "stateDiagram-v2\n    [*] --> %s\n", life_traits[LIFE_LOCKING].name);
	for (int from = LIFE_SAME + 1; from < LIFE_STATE_COUNT; from++)
		for (int to = LIFE_SAME + 1; to < LIFE_STATE_COUNT; to++)
			print_arrow(out, (enum life_state)from, (enum life_state)to);
}
