/*
 * The settings of PostgreSQL and Citus that the program relies on, in one table.
 * Those that only a start can change are given on postgres' command line, which
 * wins over postgresql.conf and ALTER SYSTEM. Those that a reload changes stand
 * in postgresql.conf, and are compared with what the server runs.
 */
#pragma once

#include <stdio.h>

#include "node/render.h"

enum server_setting_rule {
	/* On the command line: */
	RULE_GIVEN,    /* our value */
	RULE_AT_LEAST, /* the number in the files, and at least ours */
	RULE_FIRST,    /* our list, then what else the files list */
	/* In postgresql.conf, and compared: */
	RULE_SAME,
	RULE_CONTAINS, /* a list that may hold more */
};

struct server_setting {
	const char *name;
	enum server_setting_rule rule;
	const char *value;				/* ours; or NULL, and then: */
	char *(*make)(const struct render_input *node); /* NULL: what postgresql.conf says */
	const char *why;
};

enum { SERVER_SETTING_COUNT = 17 };
extern const struct server_setting server_settings[SERVER_SETTING_COUNT];

bool server_setting_is_given(const struct server_setting *s);

/* Whether its value on the command line depends on what the files say. */
bool server_setting_wants_files(const struct server_setting *s);

/* "name=value" for the command line. in_files is what the files would give it, "" where that is
 * not wanted. The caller frees it. */
char *server_setting_argument(
	const struct server_setting *s, const struct render_input *node, const char *in_files);

/* What a server says of one of them; NULL where it has nothing to say. */
struct server_setting_seen {
	const char *name;
	const char *value, *source, *file, *line;	   /* what runs, and by what */
	const char *written, *written_file, *written_line; /* what counts of all the files */
	const char *ours;				   /* what our postgresql.conf says */
};

/* What is not as the program wants it, in a sentence without a full stop, and what ends it; NULL
 * when all is well. The caller frees it. */
char *server_setting_complaint(const struct server_setting_seen *seen);

/* For docs/operations.md. */
void server_settings_print(FILE *out);
