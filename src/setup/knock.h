/*
 * A worker's knock at the coordinator's door: "I am here, look at me"; and what
 * it reads there in the coordinator's memory. Over one short connection, by the
 * role that may read that and nothing else, so it needs no trust on either side.
 * It changes nothing but the moment of the coordinator's next look, and is
 * repeated with a back-off until this node is a member.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "node/settings.h"
#include "view/view.h"

struct knock;

struct knock_answer {
	bool recognised;  /* this directory by its coordinator, for this start of its server */
	char abandon[40]; /* the cluster that this node is to abandon, or "" */
	char next_id[40]; /* the id that this node's cluster is about to take, or "" */
};

/* Called after each knock that was answered; borrowed. */
typedef void (*knock_answered_fn)(void *ctx, const struct knock_answer *answer);

struct knock *knock_open(struct event_base *loop, const struct settings *settings,
	const struct node_view *view, knock_answered_fn answered, void *ctx);
/* NULL is allowed. */
void knock_close(struct knock *knock);

/* Knocks now, and again at intervals until knock_stop(). */
void knock_start(struct knock *knock);
/* Ends the repetition; a knock under way is finished, for the news is still true. */
void knock_stop(struct knock *knock);
