/*
 * A connection to a server, without waiting: libpq on the agent's loop. It knows
 * connections, statements and what comes of them; jobs, their steps and every
 * deadline are sql.c's. The tests below tests/scripted put a script in its place.
 */
#pragma once

#include <event2/event.h>
#include <libpq-fe.h>

#include "base/err.h"

struct sql_target {
	const char *host; /* a socket directory (starts with "/"), a name, or a literal address */
	int port;
	const char *database;
	const char *user;
	bool is_plain_role;	/* not a superuser, who alone may keep statements out of the log */
	const char *password;	/* NULL on the socket */
	int connect_timeout_ms; /* name, TCP and log-in together */
	int statement_timeout_ms; /* the server's; ours is a little longer and drops the socket */
};

enum link_stage {
	LINK_DOWN,
	LINK_RESOLVING,	 /* the host's name is being looked up */
	LINK_REACHING,	 /* the server has not taken the connection yet */
	LINK_LOGGING_IN, /* it has */
	LINK_UP,
};

/* What a server answers to a statement. */
struct link_answer {
	const PGresult *rows;	   /* NULL when it failed */
	const struct err *failure; /* ERR_SQL with its code, or ERR_NET */
	int position;		   /* that the server named, in characters from 1, or 0 */
};

/* All but lost come from the loop. Each may drop or close the link, and answered says whether it
 * did. */
struct link_events {
	void (*is_up)(void *ctx);
	/* Returns false when the link was dropped. */
	bool (*answered)(void *ctx, const struct link_answer *answer);
	/* The statement has ended; the next one may be sent. */
	void (*ended)(void *ctx);
	/* It could not connect, or the connection broke; the link is still to be dropped. */
	void (*lost)(void *ctx, const struct err *why);
	/* May drop the link, but not close it. */
	void (*notified)(void *ctx, const char *payload);
};

struct link;

/* The target's strings are copied, the password wiped at link_close(). Never fails. */
struct link *link_open(struct event_base *loop, const struct sql_target *target,
	const struct link_events *events, void *ctx);
void link_close(struct link *link);

/* Looks the name up and connects; lost may be called from inside. It must be down. */
void link_connect(struct link *link);

/* Ends what there is, without an event and without waiting. */
void link_drop(struct link *link);

enum link_stage link_stage(const struct link *link);

/* Sends a statement; the last one must have ended. The parameters are copied. */
int link_send(struct link *link, const char *sql, int count, const char *const parameters[],
	struct err *e) NODISCARD;
