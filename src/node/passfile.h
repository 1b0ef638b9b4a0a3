/*
 * The file with the passwords by which the node's server logs in to the others
 * (PGPASSFILE of the postmaster; libpq reads it at each connection). It is empty
 * until the cluster has recognised the node: a server that nobody knows yet, a
 * clone of a member perhaps, must not reach anybody.
 */
#pragma once

#include "base/err.h"
#include "node/settings.h"

/* Its path in the run directory; the caller frees it. */
char *passfile_path(const struct settings *settings);

/* Both replace the file whole, and leave one alone that is as it should be. They block for a short
 * write. */
int passfile_fill(const struct settings *settings, struct err *e) NODISCARD;
int passfile_empty(const struct settings *settings, struct err *e) NODISCARD;
