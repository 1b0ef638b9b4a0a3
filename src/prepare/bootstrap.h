/*
 * The data directory: looked at before anything is changed. A directory that
 * is not what it should be is refused and stays as it is; one that is not
 * there is made in a sibling and renamed once, so that it is there whole or
 * not at all.
 */
#pragma once

#include "base/err.h"
#include "node/postgres_install.h"
#include "node/settings.h"

enum data_state {
	DATA_ABSENT, /* not there, or an empty directory that may be replaced */
	DATA_OURS,   /* complete, of the right version and owner */
};

/*
 * Touches nothing. -1 with ERR_REFUSED when the directory must not be used; the message says what
 * is wrong with it and what to do.
 */
int bootstrap_inspect(
	const char *data_directory, int major, enum data_state *state, struct err *e) NODISCARD;

/* That the data directory's parent, the volume, can be written to; touches nothing. */
int bootstrap_check_volume(const char *data_directory, struct err *e) NODISCARD;

/*
 * That no process stands in the directory, and that abandoned_check() allows it; touches
 * nothing. -1 with ERR_REFUSED says what is in the way.
 */
int bootstrap_check_abandon(
	const char *data_directory, const char *cluster_id, struct err *e) NODISCARD;

/* Abandons the checked directory: renames it, and says so. The lock must be held. */
int bootstrap_abandon(const char *data_directory, const char *cluster_id, struct err *e) NODISCARD;

/* Removes what an interrupted bootstrap_create() left behind. The lock must be held: then nobody
 * can be writing there. */
int bootstrap_clean(const char *data_directory, struct err *e) NODISCARD;

/* initdb, one sync, one rename. */
int bootstrap_create(
	const struct settings *s, const struct postgres_install *install, struct err *e) NODISCARD;

/* Closes our own directory to others: a volume's fsGroup opens it, and postgres refuses that. */
int bootstrap_close(const char *data_directory, struct err *e) NODISCARD;
