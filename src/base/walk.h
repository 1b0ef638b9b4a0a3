/*
 * The way to a directory as root may go it. A path is walked name by name from
 * an open descriptor; root follows a symbolic link only where nobody else could
 * have made it: so nobody leads root to a directory that it did not mean.
 * Allocates nothing and does not wait.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * Opens the directory at path with O_PATH, and with make makes what of it is missing, parents with
 * mode 0755 and the last one 0700. A process without root's rights follows every link. Returns the
 * descriptor, or -1 with errno (ENOENT, EACCES, ...; ELOOP for a link that root does not follow).
 */
int walk_open_directory(const char *path, bool make, struct err *e) NODISCARD;
