/*
 * A file of SQL as its statements, each with the line where it begins; cut by
 * psql's own lexer (libpgfeutils), which knows quotes, comments, dollar quotes
 * and function bodies. Pure: nothing is sent anywhere.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct sql_statement {
	char *text;
	int line; /* from 1 */
};

struct sql_script {
	struct sql_statement *statements;
	size_t count;
};

/*
 * Refuses, with the line, what could not be run as part of one transaction over the protocol: a
 * command of psql's (\copy), transaction control of the file's own, an unfinished quote. The caller
 * frees the script, also after an error.
 */
int sql_script_parse(const char *text, struct sql_script *script, struct err *e) NODISCARD;
void sql_script_fini(struct sql_script *script);

/* The line that the character at position (from 1, as PostgreSQL counts them in UTF-8; 0 for not
 * known) of a statement is on. */
int sql_script_line(const struct sql_statement *statement, int position);
