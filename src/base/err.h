/*
 * Errors as values. A fallible function returns 0 or -1 and fills a struct err
 * that the caller owns; each level on the way up wraps it with what it was
 * attempting; whoever handles it logs it, exactly once. Nothing here allocates,
 * so an error can be reported when memory is gone.
 */
#pragma once

#include <stdbool.h>

#define NODISCARD __attribute__((warn_unused_result))

/* Decides what to do: retry, degrade, or which exit code. Messages are never parsed. */
enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,   /* the command line is wrong */
	ERR_CONFIG,  /* a setting, a template or a mounted file is wrong */
	ERR_REFUSED, /* a data directory that must not be used; nothing was touched */
	ERR_BUSY,    /* somebody else holds the lock */
	ERR_SYS,     /* a system call failed: sys holds errno */
	ERR_SQL,     /* the server answered with an error: sqlstate holds its code */
	ERR_NET,     /* no answer, or the connection broke */
	ERR_TIMEOUT, /* a deadline of our own passed */
	ERR_BUG,     /* cannot happen */
};

struct err {
	enum err_kind kind;
	int sys;
	char sqlstate[6];
	char msg[1024];
};

/* Each returns -1, so that a failing path reads "return err_set(...)". */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For a failed system call: keeps errno and appends its text. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of the message; kind, sys and sqlstate stay. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts blanks in place of control characters: a server's error may have several lines. */
void err_make_one_line(char *text);
