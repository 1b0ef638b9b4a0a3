/*
 * The way of the passwords: PID 1 moves them from its environment into a
 * memory file, wipes the environment, and hands the descriptor to prepare and
 * agent only. They never stand in argv, in postgres' environment or in a log.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* The variables that are secret, NULL-terminated; the settings table takes its names from here. */
extern const char *const secret_names[];

/*
 * Copies the secret variables into a sealed memfd and overwrites them, with their names, in this
 * process' environment, as /proc/PID/environ shows it. Returns the descriptor (CLOEXEC), or -1.
 */
int secret_seal_environment(struct err *e);

/* The value of a secret from the sealed descriptor, or NULL when it was not set. The caller frees
 * it with secret_free(). The descriptor's offset does not matter. */
char *secret_read(int fd, const char *name);

/* Wipes and frees; NULL is allowed. */
void secret_free(char *value);
