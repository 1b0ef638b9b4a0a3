/*
 * A worker's knock at the coordinator's door: "I am here, look at me". One
 * NOTIFY over a short connection, so that the coordinator need not poll. It
 * changes nothing but the moment of the coordinator's next look, and is
 * repeated with a back-off until this node is a member.
 */
#pragma once

#include <event2/event.h>

#include "node/identity.h"
#include "node/settings.h"

struct knock;

struct knock *knock_open(
	struct event_base *loop, const struct settings *settings, const struct identity *id);
/* NULL is allowed. */
void knock_close(struct knock *knock);

/* Knocks now, and again at intervals until knock_stop(). */
void knock_start(struct knock *knock);
/* Ends the repetition; a knock under way is finished, for the news is still true. */
void knock_stop(struct knock *knock);
