/*
 * The settings of settings_table.h loaded: environment, <VAR>_FILE for secrets,
 * and an INI file in; checked values out, each with the place it comes from.
 * All errors are reported together.
 */
#pragma once

#include "node/settings_errors.h"
#include "node/settings_table.h"

struct settings; /* immutable once loaded */

/*
 * Loads and checks everything. secrets_fd is the sealed descriptor of base/secret.h, or -1 when
 * the secrets are still in the environment. environment is a NULL-terminated array like environ.
 * Returns NULL when there are errors; then errors holds all of them (settings_errors_free()). No
 * message ever holds a secret's value. Blocks on reading files.
 */
struct settings *settings_load(
	char *const *environment, int secrets_fd, struct settings_errors *errors);

/* The same without the passwords, neither demanded nor read: for commands that only ask. Then
 * settings_secret() is NULL. */
struct settings *settings_load_without_secrets(
	char *const *environment, struct settings_errors *errors);

/* The same for a node elsewhere, of which all is given: the INI file as ini_text, or NULL, under
 * the name that messages give it, and the passwords themselves; no file is read. Never NULL: a
 * value that is wrong or missing is NULL in it. */
struct settings *settings_load_given(char *const *environment, const char *ini_name,
	const char *ini_text, struct settings_errors *errors);
void settings_free(struct settings *s);

/* The value, or NULL when it was not given and has no default. Borrowed. */
const char *settings_text(const struct settings *s, enum setting_id id);

/* The value of an INTEGER, SECONDS (in seconds) or CHOICE (its index) setting. */
long settings_number(const struct settings *s, enum setting_id id);

/* Where the value comes from: "environment variable SET_SIZE", "/etc/x.ini:12", "default". */
const char *settings_origin(const struct settings *s, enum setting_id id);

/* One of the three passwords; never NULL after a successful load. Borrowed. */
const char *settings_secret(const struct settings *s, enum setting_id id);
