/*
 * Keeps the cluster true, on ordinal 0: looks at every worker and at the
 * catalog, asks plan.h for the one next step, takes it, looks again.
 * Level-triggered: it acts on what it sees, never on what it remembers having
 * done, so a kill between any two steps is understood at the next look.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct members;

/* Called when the view's cluster has changed in a way that concerns this node: formed or not. */
typedef void (*members_changed_fn)(void *ctx);

/* Fills view->cluster and keeps it; the view must outlive it. Starts looking at once. */
struct members *members_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, members_changed_fn changed,
	void *ctx);
void members_close(struct members *members);

/* Looks now: at the worker of that name, or at all for NULL or a name that is none's. */
void members_wake(struct members *members, const char *name);
