/*
 * The steps of the plan, carried out: what is written here, on the workers, and
 * in Citus. Each is harmless when it is done twice. What comes of a step is
 * reported; what follows from that is the loop's.
 */
#pragma once

#include <event2/event.h>

#include "cluster/step.h"

struct steps;

/* The cluster must outlive it. */
struct steps *steps_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory);
/* Drops what is under way, without a callback. */
void steps_close(struct steps *s);

/* Carries the plan's step out, one at a time; ended is called once, maybe from inside this call.
 * The plan must not change before that. */
void steps_take(struct steps *s, const struct plan *plan, step_ended_fn ended, void *ctx);
