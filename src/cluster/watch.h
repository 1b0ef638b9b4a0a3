/*
 * One worker under the coordinator's eyes: its own connection, its own timers,
 * its own back-off, so that one that hangs in any way delays nobody else's look.
 */
#pragma once

#include <event2/event.h>

#include "cluster/facts.h"
#include "node/identity.h"
#include "node/settings.h"
#include "sql/sql.h"

/* Reads a row of sql/cluster/read_fitness.sql, from here or from the worker. */
void watch_read_fitness(struct fitness *to, const PGresult *result, int row);

/* Adds a row of sql/cluster/read_outdated_databases.sql or ..._collations.sql, from here or from
 * the worker. */
void watch_add_outdated(struct outdated_view *to, const PGresult *result, int row);

struct watch;

enum watch_outcome {
	WATCH_NEWS, /* the look failed, or the facts have changed */
	WATCH_SAME,
};

/* Whoever has the workers watched. */
struct watcher {
	/* Called after each look or glance, whatever it found. */
	void (*looked)(void *ctx, struct watch *watch, enum watch_outcome outcome);
	/* Whether the worker whose memory was read may be entered: log-ins of postgres, sessions
	 * in its Citus databases. found is what its memory says. */
	bool (*may_enter)(void *ctx, const struct watch *watch, const struct member_facts *found);
	void *ctx;
};
/* Called with the writer's ctx when something has been written on the worker; failure is NULL when
 * it stands. */
typedef void (*watch_written_fn)(void *ctx, struct watch *watch, const struct err *failure);

struct watch *watch_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, int ordinal, const struct watcher *watcher);
void watch_close(struct watch *watch);

/* Looks now; a look that is under way is enough. */
void watch_look(struct watch *watch);

/*
 * Asks over the open connection whether the worker still is who it was: one short answer, where a
 * look takes a new connection with its log-in and finds out more: whether the postmaster takes
 * one, and what citusdb holds. It becomes a look when there is no connection or the answer differs.
 */
void watch_glance(struct watch *watch);

/* Looks again after delay_ms, with jitter, unless something is sooner. */
void watch_look_in(struct watch *watch, int64_t delay_ms);

/* While it looks or writes; a write must wait until it is not. */
bool watch_is_busy(const struct watch *watch);

/* Writes the cluster's id and the worker's name on the worker, unless it has one, and the
 * incarnation of each managed database there that has none. The texts are borrowed until it is
 * written; the names and the incarnations are PostgreSQL arrays. */
void watch_stamp(struct watch *watch, const char *cluster_id, const char *databases,
	const char *incarnations, watch_written_fn written, void *ctx);

/* Tells the worker that it is who it was, so that it may serve, and begins the epoch there, which
 * must have been noted on the coordinator. Copies epoch. Fails when the worker is not in the epoch
 * any more that was seen. */
void watch_admit(
	struct watch *watch, const struct epoch *epoch, watch_written_fn written, void *ctx);

/* Tells the worker to serve nobody, since it is in that state, by its name; borrowed until it is
 * written. */
void watch_shut(struct watch *watch, const char *state, watch_written_fn written, void *ctx);

/* Tells the worker to read again what the coordinator remembers: a NOTIFY, for which it need not be
 * recognised. */
void watch_tell(struct watch *watch, watch_written_fn written, void *ctx);

/* The facts of the last look; borrowed, they change at the next. */
const struct member_facts *watch_facts(const struct watch *watch);
const char *watch_name(const struct watch *watch);
int watch_ordinal(const struct watch *watch);
