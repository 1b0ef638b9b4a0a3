/*
 * What a value of each setting may be: one value in, its normal form and its
 * number out. What several settings must be together is checked here too.
 */
#pragma once

#include "base/err.h"
#include "node/settings_errors.h"
#include "node/settings_table.h"

/* A checked value. */
struct setting_value {
	char *text; /* NULL: not given */
	long number;
	char *origin;
};

/*
 * *normal (the caller frees it) is the value as the program uses it. The message says what is
 * wrong with the value, not where it comes from, and never holds a secret's value.
 */
int settings_check_value(
	enum setting_id id, const char *text, char **normal, long *number, struct err *e) NODISCARD;

/* What only whole settings show, e.g. a socket path that is too long; values are by
 * setting_id, all valid. */
void settings_check_together(const struct setting_value *values, struct settings_errors *errors);
