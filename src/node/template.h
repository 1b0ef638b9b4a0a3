/*
 * The template language of the configuration files: text in, text out, by
 * pure look-up. What is not between braces passes through as it is.
 *
 *   {{name}}  {{name|quote}}              a value; quote makes it a 'string' of postgresql.conf
 *   {{#if name}}..{{else}}..{{/if}}       true unless the value is empty or "false"
 *   {{#if name == "text"}}  also !=       compares
 *   {{#each list}}..{{.field}}..{{/each}} once for each item; loops cannot be nested
 *   {{! comment}}
 *
 * A line that holds nothing but such a mark, and puts out no value, leaves no empty line behind.
 * Names that are not known are errors wherever they stand, also in a branch that is not taken.
 */
#pragma once

#include "base/err.h"

/* Where the values come from; all answers are borrowed. */
struct template_values {
	const void *ctx;
	/* NULL: there is no such variable. */
	const char *(*variable)(const void *ctx, const char *name);
	/* How many items the list has; -1: there is no such list. */
	int (*count)(const void *ctx, const char *list);
	/* A field of an item; NULL: items of the list have no such field. index -1 asks only
	 * whether there is such a field. */
	const char *(*field)(const void *ctx, const char *list, int index, const char *field);
};

/*
 * Returns the expanded text, which the caller frees, or NULL. A message names file, line and
 * column, and shows the line with a caret below it.
 */
char *template_expand(
	const char *name, const char *text, const struct template_values *values, struct err *e);
