/*
 * A PostgreSQL array as text, {"a","b"}, as a parameter. Its elements are names,
 * hosts and numbers, which need no escaping.
 */
#pragma once

#include <stdio.h>

struct sql_array {
	char *text;
	size_t size;
	FILE *out;
	int count;
};

void sql_array_begin(struct sql_array *array);
void sql_array_add(struct sql_array *array, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The text, which the caller frees. */
char *sql_array_end(struct sql_array *array);
