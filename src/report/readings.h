/*
 * Readings for /metrics that only this node's server has: what connections are
 * used, what prepared transactions were left behind, what Citus has yet to do.
 *
 * Read when somebody scrapes, and then seldom, over a session of citusdb that
 * is closed again: a node that nobody scrapes is never woken for them. The
 * scrape itself does not wait; it shows the readings before, and their age.
 * All come from this server's shared memory or from small catalogs through an
 * index: none asks another node, so none hangs when another one does.
 */
#pragma once

#include <event2/event.h>

#include "view/view.h"

struct reader;

/* Fills view->readings and keeps it. Nothing is read before the first scrape. */
struct reader *readings_open(
	struct event_base *loop, struct node_view *view, const char *socket_directory);
void readings_close(struct reader *reader);

/* Somebody has scraped: reads anew unless the last reading is fresh, or postgres is not set up.
 * Does not block. */
void readings_refresh(struct reader *reader);

/* The server went away: what was under way is dropped, and what was read forgotten. */
void readings_reset(struct reader *reader);
