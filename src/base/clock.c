#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

#include "base/banned.h"

int64_t clock_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_jitter_ms(int64_t delay_ms)
{
	uint32_t random = 0;

	/* No randomness costs only the jitter. */
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return delay_ms / 2 + (int64_t)random % (delay_ms / 2 + 1);
}

int64_t clock_backoff_ms(int64_t last_ms, int64_t first_ms, int64_t most_ms)
{
	if (last_ms < first_ms)
		return first_ms;
	return last_ms * 2 < most_ms ? last_ms * 2 : most_ms;
}
