/*
 * The settings, from one table: environment, <VAR>_FILE for secrets, and an
 * INI file in; checked values out, each with the place it comes from. All
 * errors are reported together. The same table makes --help's list and
 * docs/configuration.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum setting_id {
	SET_POD_GROUP,
	SET_SET_SIZE,
	SET_POD_NAME,
	SET_POD_NAMESPACE,
	SET_POD_IP,
	SET_ETCD_HOST,
	SET_SUPERPASS,
	SET_ADMINPASS,
	SET_REPPASS,
	SET_PGDATA,
	SET_HOST_PATTERN,
	SET_PORT,
	SET_LISTEN_ADDRESSES,
	SET_BIN_DIR,
	SET_PRELOAD_LIBRARIES,
	SET_INITDB_LOCALE,
	SET_INITDB_ARGUMENTS,
	SET_SQL_DIRECTORY,
	SET_HTTP_ADDRESS,
	SET_RUN_DIRECTORY,
	SET_LOG_FORMAT,
	SET_LOG_LEVEL,
	SET_RESTART_LIMIT,
	SET_RESTART_WINDOW,
	SET_STOP_DEADLINE,
	SET_GRACE_PERIOD,
	SET_PAUSE,
	SET_CONFIG_FILE,
	SETTING_COUNT
};

enum setting_type {
	SETTING_TEXT,
	SETTING_NAME,	 /* a DNS label: a-z 0-9 -, at most 63 */
	SETTING_INTEGER, /* between min and max */
	SETTING_SECONDS, /* "25", "25s", "2min", kept in seconds */
	SETTING_PATH,	 /* absolute */
	SETTING_CHOICE,	 /* one of the words in choices */
};

enum setting_flag {
	SETTING_SECRET = 1 << 0, /* also as <VAR>_FILE; never printed */
	SETTING_REQUIRED = 1 << 1,
	SETTING_LIVE = 1 << 2,	   /* in a mounted INI file it wins over the environment */
	SETTING_ENV_ONLY = 1 << 3, /* has no INI key */
	SETTING_UNUSED = 1 << 4,   /* accepted for old manifests, without effect */
};

struct setting {
	const char *section; /* of the INI file */
	const char *key;
	const char *env;
	enum setting_type type;
	unsigned flags;
	long min, max;
	const char *choices;  /* separated by blanks */
	const char *fallback; /* the default, as it would be written; NULL for none */
	const char *help;
};

extern const struct setting settings_table[SETTING_COUNT];

struct settings; /* immutable once loaded */

/* A list of messages, each one line for the operator. */
struct settings_errors {
	char **messages;
	size_t count;
};

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
void settings_errors_free(struct settings_errors *errors);

/* The value, or NULL when it was not given and has no default. Borrowed. */
const char *settings_text(const struct settings *s, enum setting_id id);

/* The value of an INTEGER, SECONDS (in seconds) or CHOICE (its index) setting. */
long settings_number(const struct settings *s, enum setting_id id);

/* Where the value comes from: "environment variable SET_SIZE", "/etc/x.ini:12", "default". */
const char *settings_origin(const struct settings *s, enum setting_id id);

/* One of the three passwords; never NULL after a successful load. Borrowed. */
const char *settings_secret(const struct settings *s, enum setting_id id);

/* The reference of all settings as Markdown (docs/configuration.md) and as plain text (--help). */
void settings_print_markdown(FILE *out);
void settings_print_help(FILE *out);
