/*
 * The password of the sample manifests, which everybody knows: it is accepted,
 * so that a demo needs no edit, and complained of wherever it is in use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "node/settings.h"

bool sample_password_is(const char *password);

/* What is said of the settings that have it, after their names. */
#define SAMPLE_PASSWORD_WARNING                                                                    \
	"the password of the sample manifests is in use, and everybody knows it: change it"

enum { SAMPLE_PASSWORD_NAMES = 128 }; /* room for the names */

/* "SUPERPASS, ADMINPASS": the variables of the settings that have it; "" when none does. */
void sample_password_list(const struct settings *s, char *names, size_t size);
