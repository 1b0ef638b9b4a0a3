/*
 * Files as the program needs them: read whole, replaced whole, never half
 * written; directories made, synced, removed. All descriptors are CLOEXEC.
 * Everything here blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Reads at most max bytes; a longer file is an error, and so is a pipe. *text is NUL-terminated,
 * the caller frees it; length may be NULL. */
int file_read(const char *path, size_t max, char **text, size_t *length, struct err *e) NODISCARD;

/* Writes a file that must not be there yet, mode given at its making, and syncs it, but not the
 * directory. A failure may leave part of it. */
int file_create(
	const char *path, const void *data, size_t length, mode_t mode, struct err *e) NODISCARD;

/* Writes path whole: a temporary file beside it, mode given at its making, fsync, rename,
 * fsync of the directory (PostgreSQL's durable_rename()). */
int file_replace(
	const char *path, const void *data, size_t length, mode_t mode, struct err *e) NODISCARD;

/* Makes the directory if it is not there; an existing one keeps its mode. */
int file_make_directory(const char *path, mode_t mode, struct err *e) NODISCARD;

/* fsync of a directory, so that renames in it last. */
int file_sync_directory(const char *path, struct err *e) NODISCARD;

/* syncfs of the file system that holds path: one call instead of one fsync a file. */
int file_sync_filesystem(const char *path, struct err *e) NODISCARD;

/* Removes a tree without following symbolic links, also such as are put in its way meanwhile; one
 * at path itself is removed. A path that is not there is no error. */
int file_remove_tree(const char *path, struct err *e) NODISCARD;

/* Whether a file system is mounted at path itself; false also when that cannot be told. */
bool file_is_mount_point(const char *path);

/* The directory that holds path; the caller frees it. */
char *file_parent(const char *path);
