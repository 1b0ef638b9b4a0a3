/*
 * The directory of a local cluster and what it remembers: how many nodes, on
 * which addresses, with which passwords. DIR/cluster.ini holds it (mode 0600),
 * written whole before the first node starts, so a directory is either empty,
 * or a cluster that can be started again, or somebody else's and refused.
 *
 * The directory is locked (flock) as long as the process lives.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "local/network.h"

enum { STATE_PASSWORD_LENGTH = 32 };

struct state {
	char *directory;   /* without links */
	bool is_temporary; /* ours: removed by state_close() */
	bool is_new;	   /* there was no cluster in it */
	int lock;
	int nodes;
	struct network network; /* not chosen yet in a new one */
	char superpass[STATE_PASSWORD_LENGTH + 1];
	char adminpass[STATE_PASSWORD_LENGTH + 1];
	char reppass[STATE_PASSWORD_LENGTH + 1];
};

/* A state that state_close() may be called for. */
#define STATE_CLOSED ((struct state){ .lock = -1, .network = { .hold = -1 } })

/*
 * Opens and locks directory, or a fresh temporary one for NULL. nodes is the wish of the command
 * line, 0 for none: then as many as there were, or three. A smaller number than there were is
 * refused. A new state has drawn its passwords but no network.
 */
int state_open(struct state *s, const char *directory, int nodes, struct err *e) NODISCARD;

/* Writes DIR/cluster.ini, durably. */
int state_save(const struct state *s, struct err *e) NODISCARD;

/* Removes the directory if it is temporary, unlocks, and wipes the passwords. */
int state_close(struct state *s, struct err *e) NODISCARD;

/* "DIR/NAME"; the caller frees it. */
char *state_path(const struct state *s, const char *name);

/* The pure parts: the text of cluster.ini (the caller frees it with secret_free()), and back. */
char *state_format(const struct state *s);
int state_parse(struct state *s, const char *text, struct err *e) NODISCARD;
