/*
 * How far the node is open. The agent decides; PID 1 has prepare render the
 * phase's pg_hba.conf; the gate then reloads the server and confirms that the
 * new file is in force. One request at a time, and a failed one is tried
 * again.
 */
#pragma once

#include <event2/event.h>

#include "view/view.h"

struct gate;

/* Called when the phase in force has changed; view->phase holds it. */
typedef void (*gate_changed_fn)(void *ctx);

struct gate *gate_open(struct event_base *loop, struct node_view *view,
	const char *socket_directory, int control_fd, gate_changed_fn changed, void *ctx);
void gate_close(struct gate *gate);

/* Asks for a phase; nothing happens when it is in force already. */
void gate_want(struct gate *gate, enum phase phase);

/* Reloads though conf holds the phase already: a former agent may have died in between. */
void gate_reload(struct gate *gate);

/* PID 1's answer: conf now holds that phase, or prepare's exit code says why not. */
void gate_on_rendered(struct gate *gate, enum phase phase, int status);

/* The server went away: what was under way is forgotten. */
void gate_reset(struct gate *gate);
