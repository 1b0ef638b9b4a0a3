/*
 * The run directory: the directory of the server's socket, the passwords with
 * which nodes log in to each other, and PID 1's notify socket. Lost with the
 * pod and made again, so it is best in memory.
 */
#pragma once

#include "base/err.h"
#include "node/settings.h"
#include "prepare/privileges.h"

/* As root: makes the directory, unless it is there, and gives it to the user. */
int run_directory_give(const char *path, const struct user *user, struct err *e) NODISCARD;

/* Makes the directory and what is in it. */
int run_directory_make(const struct settings *s, struct err *e) NODISCARD;

/* The caller frees these. */
char *run_directory_socket(const struct settings *s);
char *run_directory_socket_lock(const struct settings *s); /* postgres makes it (pqcomm.h) */
char *run_directory_notify(const struct settings *s);
