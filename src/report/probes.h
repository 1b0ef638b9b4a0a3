/*
 * The answers behind /startupz and /readyz: pure functions of the view, which
 * name the first thing that holds the node up. The order is the order in which
 * a node comes up, so the reason is always the next thing that must happen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "view/view.h"

enum { NODE_REASON_MAX = 1200 }; /* enough for every reason */

/* Whether the node serves; if not, one line in reason (size bytes) says what it waits for, else
 * reason is "". NULL and 0 when only the answer matters. */
bool node_view_is_ready(const struct node_view *view, char *reason, size_t size);
/* Whether postgres has accepted connections since it was started. */
bool node_view_is_started(const struct node_view *view, char *reason, size_t size);
