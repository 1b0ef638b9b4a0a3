/*
 * The local set-up of a node, on every node and at every start. First what the
 * nodes recognise each other by: schema citus_init, and the role that reads it.
 * Then, once the node is recognised, what the cluster works with: roles and
 * their passwords, database citusdb, extension citus. So a directory that turns
 * out to be another cluster's keeps its passwords, and no session in citusdb
 * wakes Citus' daemon, which would end the transactions that the other cluster
 * has prepared. Idempotent: each step looks first. Runs on the socket, as
 * postgres.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct setup;

/* failure is NULL when the node is set up, as far as it may be: unless view->recognised the first
 * part only. view's cluster id, and after the second part its group and versions, are then known.
 */
typedef void (*setup_done_fn)(void *ctx, const struct err *failure);

/* What is told to this node (NOTIFY citus_init), from the first run on; NULL when the session was
 * lost, and the next run or look hears again. One that comes before a run or a look has begun to
 * read is never missed. */
typedef void (*setup_heard_fn)(void *ctx, const char *payload);

struct setup *setup_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, setup_heard_fn heard, void *ctx);
void setup_close(struct setup *setup);

/* Starts; it must not be busy. done is called from the loop. */
void setup_run(struct setup *setup, setup_done_fn done, void *ctx);

/* Only reads again what changes after the set-up: the group, and the cluster id. */
void setup_look(struct setup *setup, setup_done_fn done, void *ctx);

/* The server went away: what was under way is forgotten, without a callback. */
void setup_reset(struct setup *setup);

bool setup_is_busy(const struct setup *setup);
