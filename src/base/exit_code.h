/*
 * The exit codes, once: --help and docs/operations.md are made from this table.
 * 64 to 78 follow sysexits.h where it has a word for the case.
 */
#pragma once

#include "base/err.h"

#define EXIT_CODES(X)                                                                              \
	X(EXIT_OK, 0, "a clean end: the stop was requested and postgres shut down cleanly")        \
	X(EXIT_NOT_READY, 1, "probe: not ready; status: something needs attention; check: errors") \
	X(EXIT_USAGE, 64, "the command line is wrong")                                             \
	X(EXIT_REFUSED, 65, "the data directory may not be used; nothing was touched")             \
	X(EXIT_UNSUITABLE, 66,                                                                     \
		"a command does not fit the state of the cluster; nothing was changed")            \
	X(EXIT_UNAVAILABLE, 69, "postgres did not stay up, or a node did not answer")              \
	X(EXIT_BUG, 70, "a defect of citus-init")                                                  \
	X(EXIT_SYSTEM, 71, "the system refused: memory, files, processes")                         \
	X(EXIT_BUSY, 75, "the data directory is in use by another citus-init; try again later")    \
	X(EXIT_UNCLEAN, 76, "stopped as requested, but postgres had to be stopped immediately")    \
	X(EXIT_UNCONFIRMED, 77,                                                                    \
		"destroying data needs the printed --confirm; nothing was changed")                \
	X(EXIT_SETTINGS, 78, "a setting, a template or a mounted file is wrong")

enum exit_code {
#define X(name, number, meaning) name = (number),
	EXIT_CODES(X)
#undef X
};

/* What a role exits with when it ends by this error. */
enum exit_code exit_code_of(enum err_kind kind);
