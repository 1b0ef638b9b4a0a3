/*
 * /status: all that the agent knows of its node and, on ordinal 0, of the
 * cluster, as JSON. What a field means stands in docs/operations.md; fields
 * are added, never renamed. Unknown values are null, never 0 or "".
 */
#pragma once

#include <jansson.h>

#include "view/view.h"

/* The caller gives it back with json_decref(). */
json_t *status_of(const struct node_view *view);
