/*
 * The agent's HTTP: the probes, /metrics and /status; it takes no command.
 * Every page is written from the view at the moment of the request, so an
 * answer never waits for a database.
 *
 * One request a connection, GET and HEAD only, every connection with one
 * deadline from its first byte to its last, and a fixed number of connections:
 * when one too many comes, the oldest is dropped, so that nobody can keep the
 * kubelet's probes out. libevent's evhttp offers neither such a deadline (its
 * time-out starts anew with each byte) nor a limit of connections, so the few
 * lines of HTTP that this takes stand here, over libevent's buffers.
 */
#pragma once

#include <event2/event.h>

#include "base/err.h"
#include "view/view.h"

struct http;

/*
 * Listens on address, "0.0.0.0:8008" or "[::]:8008". The view is read at each request and must
 * outlive the server. NULL when it cannot listen: *e says why, and the caller may try again.
 */
struct http *http_open(
	struct event_base *loop, const char *address, const struct node_view *view, struct err *e);

typedef void (*http_scraped_fn)(void *ctx);

/* For what only a scrape wants: called after each answer of /metrics. */
void http_on_scraped(struct http *http, http_scraped_fn fn, void *ctx);

/* Drops all connections; NULL is allowed. */
void http_close(struct http *http);
