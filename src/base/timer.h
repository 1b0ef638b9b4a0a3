/* libevent's timers in milliseconds, as everything here counts. */
#pragma once

#include <event2/event.h>
#include <stdint.h>

/* Sets it anew; an earlier setting is forgotten. */
static inline void timer_set(struct event *timer, int64_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(timer, &tv);
}
