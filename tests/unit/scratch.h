/* A directory of its own for a test, with helpers to put files into it. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

static char scratch_directory[64];

static inline void scratch_make(void)
{
	snprintf(scratch_directory, sizeof(scratch_directory), "/tmp/citus-init-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch_directory));
}

static inline void scratch_remove(void)
{
	struct err e;

	ck_assert_msg(file_remove_tree(scratch_directory, &e) == 0, "%s", e.msg);
}

/* The path of a name in it; the caller frees it. */
static inline char *scratch_path(const char *name)
{
	return xasprintf("%s/%s", scratch_directory, name);
}

static inline void scratch_mkdir(const char *name, mode_t mode)
{
	_free_ char *path = scratch_path(name);

	ck_assert_int_eq(mkdir(path, mode), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static inline void scratch_write(const char *name, const void *data, size_t length, mode_t mode)
{
	_free_ char *path = scratch_path(name);
	FILE *out = fopen(path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(data, 1, length, out), length);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static inline void scratch_write_text(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text), 0600);
}

/* The file's text, or NULL; the caller frees it. */
static inline char *scratch_read(const char *name)
{
	_free_ char *path = scratch_path(name);
	char *text;
	struct err e;

	return file_read(path, 1024 * 1024, &text, NULL, &e) == 0 ? text : NULL;
}
