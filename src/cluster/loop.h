/*
 * Keeps the cluster true, on ordinal 0: looks at every worker and at the
 * catalog, has the one next step planned and taken, and looks again. A step
 * reports what came of it; failures, back-offs and the end of a round are
 * noted here alone.
 *
 * Level-triggered: it acts on what it sees, never on what it remembers having
 * done, so a kill between any two steps is understood at the next look.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct cluster_loop;

/* Called when the view's cluster has changed in a way that concerns this node: formed or not, or
 * members are remembered above the ones that are watched: its reach is more than its count then,
 * and a loop that reaches so far is to be opened in the place of this one, not from inside the
 * call. */
typedef void (*cluster_changed_fn)(void *ctx);

/* Fills view->cluster and keeps it; the view must outlive it. Starts looking at once, at the nodes
 * of view->size and those below reach. */
struct cluster_loop *cluster_loop_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, int reach, cluster_changed_fn changed,
	void *ctx);
void cluster_loop_close(struct cluster_loop *l);

/* This node has been recognised and is set up: its databases and the workers' may be asked, and
 * changes made. Not needed when view->recognised was set before the loop was opened. */
void cluster_loop_enter(struct cluster_loop *l);

/* Looks now: at the worker of that name, or at all for NULL or a name that is none's. */
void cluster_loop_wake(struct cluster_loop *l, const char *name);
