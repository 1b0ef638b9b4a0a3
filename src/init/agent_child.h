/*
 * The agent as a child process: started beside postgres, watched over the
 * control socket, replaced when it is silent or gone. Its end never counts
 * against postgres, and it is never given up. Whoever reaps it tells us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "init/control.h"

struct agent_child {
	pid_t pid;	    /* 0 when none runs */
	int fd;		    /* our end of the control socket, or -1 */
	int64_t silence_ms; /* the watchdog's patience */
	int64_t started_ms;
	int64_t heard_ms; /* when it last said something valid */
	int64_t retry_ms; /* when to start the next one; -1 when none is due */
	int64_t backoff_ms;
	uint32_t restarts;
	bool killed;	    /* it got SIGKILL and is about to be reaped */
	bool complained;    /* its first wrong message has been logged */
	bool owed;	    /* told has not reached it: its buffer is full */
	int64_t counted_ms; /* when the counting of its messages began */
	uint32_t count;	    /* messages since then, wrong ones included */
	struct control_message told;
};

void agent_child_init(struct agent_child *a, int64_t silence_ms);

/* Starts one with the secrets, the lock and a new control socket. */
int agent_child_start(struct agent_child *a, int secrets_fd, int lock_fd, char *const *environment,
	struct err *e) NODISCARD;

/* Sends what postgres does, if the agent does not know it yet. */
void agent_child_tell(struct agent_child *a, const struct control_message *postgres);

enum agent_word { AGENT_NOTHING, AGENT_DROPPED, AGENT_MESSAGE };

/* Reads one message, so that the caller decides how many have their turn: AGENT_MESSAGE fills
 * *message, a wrong one is AGENT_DROPPED. An agent whose socket is gone, or that floods it, is
 * killed. Does not block. */
enum agent_word agent_child_receive(struct agent_child *a, struct control_message *message);

/* After the agent was reaped: closes the socket and plans the next one. */
void agent_child_ended(struct agent_child *a, int64_t now_ms);

/* After one could not be started. */
void agent_child_failed(struct agent_child *a, int64_t now_ms);

void agent_child_kill(struct agent_child *a, int sig);

/* When agent_child_watch() has something to do; -1 for never. */
int64_t agent_child_deadline(const struct agent_child *a);

/* The watchdog: kills an agent that has been silent for too long. */
void agent_child_watch(struct agent_child *a, int64_t now_ms);
