/*
 * The return of an empty member: what it has lost, filling it again, and our
 * memory of it.
 */
#pragma once

#include <event2/event.h>

#include "cluster/step.h"

struct member_return;

struct member_return *member_return_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory);
/* Drops what is under way, without a callback. */
void member_return_close(struct member_return *r);

/* One at a time; ended is called from the loop. */
void member_return_assess(
	struct member_return *r, struct worker *w, step_ended_fn ended, void *ctx);
/* why is the plan's, for the log. */
void member_return_bring_back(
	struct member_return *r, struct worker *w, const char *why, step_ended_fn ended, void *ctx);
