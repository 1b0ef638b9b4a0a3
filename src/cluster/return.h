/*
 * The return of an empty member: what it has lost, filling it again, and our
 * memory of it.
 */
#pragma once

#include <event2/event.h>

#include "cluster/step.h"

struct returning;

struct returning *return_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory);
/* Drops what is under way, without a callback. */
void return_close(struct returning *r);

/* One at a time; ended is called from the loop. */
void return_assess(struct returning *r, struct worker *w, step_ended_fn ended, void *ctx);
/* why is the plan's, for the log. */
void return_bring_back(
	struct returning *r, struct worker *w, const char *why, step_ended_fn ended, void *ctx);
