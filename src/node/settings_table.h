/*
 * What a setting is: one table, from which the settings are loaded, and which
 * makes --help's list and docs/configuration.md.
 */
#pragma once

#include <stdio.h>

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

/* The reference of all settings as Markdown (docs/configuration.md) and as plain text (--help). */
void settings_print_markdown(FILE *out);
void settings_print_help(FILE *out);
