/*
 * The local set-up of a node, on every node and at every start: schema
 * citus_init, roles and their passwords, database citusdb, extension citus.
 * Idempotent: each step looks first. Runs on the socket, as postgres.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct setup;

/* failure is NULL when the node is set up; view's group, versions and cluster id are then known. */
typedef void (*setup_done_fn)(void *ctx, const struct err *failure);

struct setup *setup_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory);
void setup_close(struct setup *setup);

/* Starts; it must not be busy. done is called from the loop. */
void setup_run(struct setup *setup, setup_done_fn done, void *ctx);

/* Only reads again what changes after the set-up: the group, and the cluster id. */
void setup_look(struct setup *setup, setup_done_fn done, void *ctx);

/* The server went away: what was under way is forgotten, without a callback. */
void setup_reset(struct setup *setup);

bool setup_is_busy(const struct setup *setup);
