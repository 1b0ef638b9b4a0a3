/*
 * How far the node is open. The agent decides; the gate writes the phase's
 * files, reloads the server and confirms that they are in force. One phase at a
 * time; a failed change is tried again, and the phase in force stays until
 * then.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct gate;

/* Called when the phase in force has changed; view->phase holds it. */
typedef void (*gate_changed_fn)(void *ctx);

/* settings and view are borrowed; view->phase is what conf holds. */
struct gate *gate_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, gate_changed_fn changed, void *ctx);
void gate_close(struct gate *gate);

/* Asks for a phase, once the set-up knows the server; nothing happens when it is in force already.
 */
void gate_want(struct gate *gate, enum phase phase);

/* Reloads though conf holds the phase already: a former agent may have died in between. */
void gate_reload(struct gate *gate);

/* The server went away: what was under way is forgotten. */
void gate_reset(struct gate *gate);
