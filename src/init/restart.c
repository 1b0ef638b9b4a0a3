#include "init/restart.h"

#include "base/clock.h"

#include "base/banned.h"

enum {
	FIRST_MS = 100,
	MOST_MS = 10 * 1000,
	DISK_FIRST_MS = 5 * 1000,
	DISK_MOST_MS = 30 * 1000,
};

unsigned restart_count(const struct restart *r, int64_t window_ms, int64_t now_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; i < r->used; i++)
		count += now_ms - r->at_ms[i] < window_ms;
	return count;
}

int64_t restart_delay_ms(struct restart *r, enum restart_cause cause, uint32_t limit,
	int64_t window_ms, int64_t now_ms)
{
	if (cause == RESTART_DISK_FULL) {
		r->disk_backoff_ms =
			clock_backoff_ms(r->disk_backoff_ms, DISK_FIRST_MS, DISK_MOST_MS);
		return r->disk_backoff_ms;
	}
	r->disk_backoff_ms = 0;
	if (limit > RESTART_RING)
		limit = RESTART_RING;
	if (restart_count(r, window_ms, now_ms) >= limit)
		return -1;
	r->at_ms[r->next] = now_ms;
	r->next = (r->next + 1) % RESTART_RING;
	if (r->used < RESTART_RING)
		r->used++;

	if (cause == RESTART_WAS_READY)
		r->backoff_ms = 0;
	else
		r->backoff_ms = clock_backoff_ms(r->backoff_ms, FIRST_MS, MOST_MS);
	return r->backoff_ms;
}
