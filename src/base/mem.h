/*
 * Ownership in declarations: a variable marked _free_, _close_ or _file_ gives
 * its resource back when its scope ends, take_ptr() and take_fd() hand it over.
 * The x... allocators end the process when memory is gone, which is right for
 * every role but PID 1: that one allocates nothing after start-up.
 */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void mem_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void mem_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void mem_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void mem_cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _free_	__attribute__((cleanup(mem_cleanup_free)))
#define _close_ __attribute__((cleanup(mem_cleanup_close)))
#define _file_	__attribute__((cleanup(mem_cleanup_file)))
#define _dir_	__attribute__((cleanup(mem_cleanup_dir)))

/* Hands the resource to the caller and leaves NULL or -1 behind. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__auto_type t_ = (p);                                                              \
		(p) = NULL;                                                                        \
		t_;                                                                                \
	})

/* Frees the text that is held, and holds with instead, which it owns from now on. */
static inline void mem_replace(char **held, char *with)
{
	free(*held);
	*held = with;
}

static inline int take_fd(int *fd)
{
	int t = *fd;

	*fd = -1;
	return t;
}

void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
