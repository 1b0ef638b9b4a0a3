/* Time for deadlines and back-offs: monotonic, in milliseconds. */
#pragma once

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds. */
int64_t clock_now_ms(void);

/* A random delay between half of delay_ms and delay_ms, so that many who failed
 * together do not come back together. */
int64_t clock_jitter_ms(int64_t delay_ms);

/* The next delay of a back-off: twice the last, between first_ms and most_ms; last_ms is 0 at
 * the first try. Jitter is the caller's, at the moment of waiting. */
int64_t clock_backoff_ms(int64_t last_ms, int64_t first_ms, int64_t most_ms);
