/*
 * Whether and when a postmaster that died is started again: at most so many
 * times within a window (Erlang's restart intensity), at once when it had been
 * ready, with a growing delay when it died before, and with a long one that
 * does not count when the disk is full. Pure.
 */
#pragma once

#include <stdint.h>

enum { RESTART_RING = 1000 }; /* the most that the setting allows; more counts as this */

enum restart_cause {
	RESTART_WAS_READY,
	RESTART_NEVER_READY,
	RESTART_DISK_FULL,
};

struct restart {
	int64_t at_ms[RESTART_RING]; /* when the last ones that count were granted */
	unsigned used;		     /* how many of at_ms hold a time */
	unsigned next;		     /* where the next one goes */
	int64_t backoff_ms;
	int64_t disk_backoff_ms;
};

/* The delay before the next start, without jitter, or -1 to give up. */
int64_t restart_delay_ms(struct restart *r, enum restart_cause cause, uint32_t limit,
	int64_t window_ms, int64_t now_ms);

/* How many restarts within the window count at this moment. */
unsigned restart_count(const struct restart *r, int64_t window_ms, int64_t now_ms);
