/*
 * Keeps what is stored several times stored as often as it should be: reference
 * tables on every active node, tables with a replication factor on as many.
 * Citus itself does neither for a node that joins or comes back.
 */
#pragma once

#include <event2/event.h>

#include "sql/sql.h"

struct copies;

struct copies *copies_open(struct event_base *loop, int port, const char *socket_directory);
/* Drops what is under way, without a callback: Citus cleans up after it by itself. */
void copies_close(struct copies *copies);

/*
 * Makes the missing copies, in all managed databases; done is called from the loop. When none is
 * missing, that is two short queries of the coordinator's catalog for each database. Else it takes
 * as long as the copying, for which writes to the table wait: nothing should wait for it. Must not
 * be busy. Citus copies a table as its owner, so the nodes must be open, and every owner must be
 * one whose password the nodes know.
 */
void copies_make(struct copies *copies, sql_done_fn done, void *ctx);

bool copies_is_busy(const struct copies *copies);
