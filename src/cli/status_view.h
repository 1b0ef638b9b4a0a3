/*
 * The JSON of /status as a person reads it: the cluster's table, or from a worker
 * that node's own lines; and a line for each condition, the gravest first.
 * The text comes from another machine: broken JSON is an error, missing or
 * odd fields print as "-", control characters are not printed.
 */
#pragma once

#include <stdio.h>

#include "base/err.h"

/* Returns EXIT_OK when nothing needs attention: the node asked is ready, and every condition is of
 * severity info. Else EXIT_NOT_READY, or -1. */
int status_view_print(const char *json, FILE *out, struct err *e) NODISCARD;

/* The same JSON, indented and in ASCII: 0 or -1. */
int status_view_print_json(const char *json, FILE *out, struct err *e) NODISCARD;
