/*
 * What local tells the person at the terminal: a line for each event, to
 * stderr, so that stdout is COMMAND's; the end of a node's log when it failed;
 * how a process ended, in words. For people, hence without the log's fields.
 */
#pragma once

#include <stddef.h>

/* "21:04:33 citus-1: ready". subject may be NULL. */
void report_event(const char *subject, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An error that ends the program or a step of it: "citus-init local: ...". */
void report_error(const char *message);

/* The last lines of a file, indented; says so when it cannot be read. */
void report_tail(const char *path);

/* "exit code 78: a setting, a template or a mounted file is wrong", "killed by signal 9
 * (Killed)". Returns buffer. */
const char *report_status(int wait_status, char *buffer, size_t size);
