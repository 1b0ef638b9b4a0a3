/*
 * Adopting the addresses that this set has now: of a cluster that is registered
 * under others, since it was moved, or is a copy. The operator confirms the list
 * of addresses, and nobody may answer as this cluster under the old ones.
 */
#pragma once

#include <event2/event.h>

#include "cluster/step.h"

struct adopting;

struct adopting *adopt_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory);
/* Drops what is under way, without a callback. */
void adopt_close(struct adopting *a);

/* A copy that is to live beside its original takes an id of its own first: its members, then its
 * coordinator. Then it asks who is under the old addresses, and writes the new ones to Citus and to
 * our memory, in this order: killed anywhere, it begins again. ended is called from the loop. */
void adopt_take(struct adopting *a, step_ended_fn ended, void *ctx);
