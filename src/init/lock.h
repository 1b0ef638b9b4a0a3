/*
 * The lock that says "this directory is in use": a flock on .citus-init.lock
 * beside the data directory. Its descriptor is inherited by prepare, initdb and
 * postgres, so it is free only when the last process of a former life is gone,
 * whatever PID namespace that lives in.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "base/err.h"

struct lock {
	int fd; /* -1 until lock_open() */
	char path[PATH_MAX];
};

/* Opens (and makes) the file beside data_directory, which must be an absolute path. */
int lock_open(struct lock *lock, const char *data_directory, struct err *e) NODISCARD;

enum lock_result { LOCK_TAKEN, LOCK_HELD_ELSEWHERE, LOCK_FAILED };

/* Does not block. */
enum lock_result lock_try(struct lock *lock, struct err *e);

/* Puts into words who took a lock that is held, as far as /proc tells. */
void lock_holder(const struct lock *lock, char *words, size_t size);
