/* The run of initdb: its arguments, its environment, what it says when it fails. */
#pragma once

#include "base/err.h"
#include "node/postgres_install.h"
#include "node/settings.h"

/*
 * Makes a data directory at path, not synced. The run directory must be there: a user without an
 * entry in /etc/passwd gets one in it, by libnss-wrapper.
 */
int initdb_run(const struct settings *s, const struct postgres_install *install, const char *path,
	struct err *e) NODISCARD;
