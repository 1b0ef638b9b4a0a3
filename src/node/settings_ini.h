/*
 * The INI file as a source of settings: which value stands at which line. The
 * values are checked elsewhere; what is wrong with the file itself (syntax,
 * unknown sections and keys, keys given twice) is found here.
 */
#pragma once

#include <stddef.h>

#include "node/settings_errors.h"

struct settings_ini_value {
	char *text; /* NULL: not in the file */
	int line;
};

/*
 * path is for the messages only. values has SETTING_COUNT entries, all NULL before; the caller
 * frees the texts (secret_free()). Errors are added to the list.
 */
void settings_ini_parse(const char *path, const char *text, size_t length,
	struct settings_ini_value *values, struct settings_errors *errors);
