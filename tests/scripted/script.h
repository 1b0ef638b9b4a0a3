/*
 * Servers that answer by a script, in the place of sql/link.c: what talks to
 * PostgreSQL is tested without one, in virtual time. A test scripts what each
 * statement does; connections can be refused, and any statement cut off or left
 * without an answer.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A statement that a server was sent. */
struct script_call {
	const char *host; /* or the socket directory */
	const char *database;
	const char *const *parameters;
	struct script_answer *answer;
};

typedef void (*script_fn)(const struct script_call *call);

/* How a job or the like has ended. */
struct script_end {
	int ends; /* how often its callback was called */
	struct err failure;
};

enum script_fault {
	SCRIPT_BREAK_BEFORE, /* the connection breaks, and the statement was not carried out */
	SCRIPT_BREAK_AFTER,  /* it was, and nobody is told */
	SCRIPT_SILENCE,	     /* it was not, and the connection stays */
	SCRIPT_FAULT_COUNT
};

enum script_host {
	HOST_UP,
	HOST_DOWN,    /* refuses connections */
	HOST_HANGING, /* takes them, and says nothing more */
	HOST_LOCKED,  /* refuses the password */
};

/* Forgets all scripts, hosts, faults and counts; the loop is for what follows. */
void script_begin(struct event_base *loop);

/* What the statement does, wherever it is sent. One without a script returns no rows. */
void script_on(const char *sql, script_fn fn);
struct script_line {
	const char *sql;
	script_fn fn;
};
void script_on_all(const struct script_line lines[], size_t count);
void script_set_host(const char *host, enum script_host state);

/* The n-th statement from now, 1 is the next, meets the fault; 0 takes the fault back. */
void script_set_fault(int n, enum script_fault fault);
bool script_fault_is_over(void);

/* After a run with a fault at the n-th statement: it failed by the fault alone, and the run had
 * more than most / 2 statements and fewer than most. */
void script_assert_cut_off(bool was_cut_off, int n, int most);

/* How often the statement was carried out. */
int script_count(const char *sql);

/* For script_fn: a row of texts, NULL for SQL NULL; or an error. */
#define SCRIPT_ROW(call, ...)                                                                      \
	script_row(call, (const char *const[]){ __VA_ARGS__ },                                     \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
void script_row(const struct script_call *call, const char *const fields[], int count);
void script_error(const struct script_call *call, const char *sqlstate, const char *message);

/* Runs the loop until condition(ctx) holds or limit_ms of virtual time have passed; returns whether
 * it holds. */
bool script_run(bool (*condition)(void *ctx), void *ctx, int64_t limit_ms);
void script_pass(int64_t ms);

/* A sql_done_fn whose ctx is a struct script_end. */
void script_on_done(void *end, const struct err *failure);
/* Until it has ended. */
void script_wait(struct script_end *end, int64_t limit_ms);
