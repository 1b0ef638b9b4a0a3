#include "sqlfiles/sql_script.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <postgres_fe.h>

#include <fe_utils/psqlscan.h>
#include <mb/pg_wchar.h>
#include <pqexpbuffer.h>

#include "base/mem.h"

/* The variables of psql: there are none, ":name" stays as it is. */
static const PsqlScanCallbacks no_variables = { .get_variable = NULL };

/* What is left of a statement after white space and comments. */
static const char *skip_blanks(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n\f\v");
		if (strncmp(s, "--", 2) == 0) {
			s += strcspn(s, "\n");
		} else if (strncmp(s, "/*", 2) == 0) {
			const char *end = strstr(s, "*/");
			s = end ? end + 2 : s + strlen(s);
		} else {
			return s;
		}
	}
}

static const char *word_after(const char *s, const char *word)
{
	size_t length = strlen(word);

	s = skip_blanks(s);
	if (strncasecmp(s, word, length) != 0 || isalnum((unsigned char)s[length]) ||
		s[length] == '_')
		return NULL;
	return s + length;
}

/* A file is one transaction: what ends it in the middle would be run twice. */
static bool is_transaction_control(const char *statement)
{
	static const char *const words[] = { "begin", "start", "commit", "end", "abort" };
	static const char *const noise[] = { "work", "transaction" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (word_after(statement, words[i]))
			return true;
	const char *after = word_after(statement, "prepare");
	if (after)
		return word_after(after, "transaction") != NULL;
	after = word_after(statement, "rollback");
	for (size_t i = 0; after && i < ARRAY_LEN(noise); i++)
		if (word_after(after, noise[i]))
			after = word_after(after, noise[i]);
	return after && !word_after(after, "to"); /* rollback to savepoint is no end */
}

static int add_statement(struct sql_script *script, const char *text, int line, struct err *e)
{
	const char *first = skip_blanks(text);

	if (!*first || *first == ';')
		return 0;
	if (is_transaction_control(text))
		return err_set(e, ERR_CONFIG,
			"line %d: a file is run as one transaction, and must not begin or end "
			"one itself",
			line);
	script->statements =
		xrealloc(script->statements, script->count + 1, sizeof(*script->statements));
	script->statements[script->count++] =
		(struct sql_statement){ .text = xstrdup(text), .line = line };
	return 0;
}

struct cutter {
	PsqlScanState lexer;
	PQExpBuffer statement;
	int line;     /* of the file */
	int began_on; /* the statement */
};

static int cut_line(
	struct cutter *c, struct sql_script *script, const char *line, size_t length, struct err *e)
{
	promptStatus_t prompt;
	int status = 0;

	/* psql leaves out blank lines before a statement, and keeps those within. */
	if (c->statement->len > 0)
		appendPQExpBufferChar(c->statement, '\n');
	psql_scan_setup(c->lexer, line, (int)length, PG_UTF8, true);
	for (;;) {
		if (c->statement->len == 0)
			c->began_on = c->line;
		PsqlScanResult result = psql_scan(c->lexer, c->statement, &prompt);
		if (result == PSCAN_BACKSLASH) {
			status = err_set(e, ERR_CONFIG,
				"line %d: a backslash begins a command of psql; only SQL can be "
				"run here",
				c->line);
			break;
		}
		if (result != PSCAN_SEMICOLON)
			break;
		status = add_statement(script, c->statement->data, c->began_on, e);
		resetPQExpBuffer(c->statement);
		if (status < 0)
			break;
	}
	psql_scan_finish(c->lexer);
	return status;
}

int sql_script_parse(const char *text, struct sql_script *script, struct err *e)
{
	struct cutter c = { .lexer = psql_scan_create(&no_variables),
		.statement = createPQExpBuffer() };
	int status = 0;

	*script = (struct sql_script){ 0 };
	while (*text && status == 0) {
		size_t length = strcspn(text, "\n");
		c.line++;
		status = cut_line(&c, script, text, length, e);
		text += length + (text[length] == '\n');
	}
	if (status == 0 && psql_scan_in_quote(c.lexer))
		status = err_set(
			e, ERR_CONFIG, "line %d: a quote or comment is not closed", c.began_on);
	/* The last one needs no semicolon. */
	if (status == 0)
		status = add_statement(script, c.statement->data, c.began_on, e);
	destroyPQExpBuffer(c.statement);
	psql_scan_destroy(c.lexer);
	return status;
}

void sql_script_fini(struct sql_script *script)
{
	for (size_t i = 0; i < script->count; i++)
		free(script->statements[i].text);
	free(script->statements);
	*script = (struct sql_script){ 0 };
}

int sql_script_line(const struct sql_statement *statement, int position)
{
	int line = statement->line;

	for (const char *c = statement->text; *c && position > 1; c++) {
		line += *c == '\n';
		/* One character may be several bytes of UTF-8. */
		position -= (c[1] & 0xC0) != 0x80;
	}
	return line;
}
