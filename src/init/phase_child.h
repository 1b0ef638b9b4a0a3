/*
 * The agent's requests for a phase of pg_hba.conf, met by running prepare: one
 * at a time, under a time limit; of those that come meanwhile the last wins.
 * Whoever reaps prepare tells us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/phase.h"

struct phase_child {
	pid_t pid;	     /* prepare's, 0 when none runs */
	enum phase running;  /* what it renders */
	enum phase wanted;   /* what comes after it, or PHASE_COUNT */
	int64_t deadline_ms; /* when it is killed; -1 for never (any more) */
};

void phase_child_init(struct phase_child *p);

/* Starts prepare for what is wanted, unless one runs or nothing is wanted. */
int phase_child_start(struct phase_child *p, int secrets_fd, int lock_fd, char *const *environment,
	struct err *e) NODISCARD;

/* Kills a prepare that has used up its time. */
void phase_child_watch(struct phase_child *p, int64_t now_ms);
