/*
 * The list in which errors of the settings are gathered, so that an operator
 * sees all of them at once. No message may hold the value of a secret.
 */
#pragma once

#include <stddef.h>

/* A list of messages, each one line for the operator. */
struct settings_errors {
	char **messages;
	size_t count;
};

void settings_errors_add(struct settings_errors *errors, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void settings_errors_free(struct settings_errors *errors);

/* The words '; did you mean "NAME"?' when a name of the list is near, else "". The caller frees
 * it; names ends with NULL. */
char *settings_did_you_mean(const char *given, const char *const *names);
