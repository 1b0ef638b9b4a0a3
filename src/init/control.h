/*
 * The control socket between PID 1 and the agent: fixed-size messages on a
 * SOCK_SEQPACKET pair. Each side checks what it reads and never trusts it:
 * a wrong message is dropped and logged, it cannot hurt the other side. PID 1
 * reads some messages at a time, and ends an agent that sends too many.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/postgres_state.h"
#include "base/uuid.h"

#define CONTROL_MAGIC 0x31746963u /* "cit1" */

/* The agent's beat and the silence after which PID 1 replaces it (the watchdog). The liveness
 * probe must be more patient than the watchdog. */
enum { CONTROL_BEAT_MS = 10 * 1000, CONTROL_SILENCE_MS = 60 * 1000 };

/* A UUID with its end, in whole words so that the message has no holes. */
enum { CONTROL_UUID_SIZE = (UUID_TEXT / 4 + 1) * 4 };

enum control_type {
	/* agent -> PID 1 */
	CONTROL_BEAT,	      /* I turn */
	CONTROL_STOP_READY,   /* the answer to CONTROL_STOP: shut postgres down now */
	CONTROL_WANT_ABANDON, /* abandon the data directory of abandon.cluster_id, start anew */
	/* PID 1 -> agent */
	CONTROL_POSTGRES, /* postgres: what it does now; sent at start and on each change */
	CONTROL_STOP,	  /* a stop was requested: make the fast rung possible, then say so */
	CONTROL_TYPE_COUNT
};

struct control_message {
	uint32_t magic;
	uint32_t type; /* enum control_type */
	union {
		struct { /* the largest comes first: an initialiser zeroes the union by it */
			char cluster_id[CONTROL_UUID_SIZE];
		} abandon;
		struct {
			uint32_t state;	   /* enum postgres_state */
			int32_t pid;	   /* 0 when it is not running */
			uint32_t restarts; /* since PID 1 started */
			uint32_t agent_restarts;
		} postgres;
	};
};

/* Does not block: returns 0, or -1 with errno (EAGAIN when the other side does not read). */
int control_send(int fd, const struct control_message *message);

/* Does not block: 1 with a checked message, 0 when there is none now, -1 when the other side is
 * gone or sent what is no message (errno EPROTO). */
int control_receive(int fd, struct control_message *message);
