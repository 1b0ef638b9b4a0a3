#include "node/template.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

enum { NAME_MOST = 64, DEPTH_MOST = 16, LINE_SHOWN = 160, OUTPUT_MOST = 4 * 1024 * 1024 };

struct expansion {
	const char *name;
	const char *text;
	const char *at; /* what is not expanded yet */
	const struct template_values *values;
	const char *list; /* of the loop we are in, or NULL */
	int item;	  /* of that loop; -1: the body is only checked */
	FILE *out;
	struct err *e;
};

enum mark_kind {
	MARK_VALUE,
	MARK_COMMENT,
	MARK_IF,
	MARK_ELSE,
	MARK_END_IF,
	MARK_EACH,
	MARK_END_EACH
};

enum comparison { COMPARE_NONE, COMPARE_EQUAL, COMPARE_UNEQUAL };

struct mark {
	enum mark_kind kind;
	const char *start;	  /* its braces */
	const char *end;	  /* behind its braces */
	const char *name_start;	  /* for messages */
	char name[NAME_MOST + 1]; /* of variable, field (with its dot) or list */
	bool quote;
	enum comparison comparison;
	const char *operand; /* between its quotes */
	size_t operand_length;
};

static int fail_at(const struct expansion *t, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Columns count characters, not bytes; the caret's line repeats tabs so that it stands right. */
static int fail_at(const struct expansion *t, const char *where, const char *fmt, ...)
{
	char what[256];
	char pad[LINE_SHOWN + 1];
	int line = 1;
	int column = 1;
	size_t used = 0;
	const char *start = t->text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (const char *c = t->text; c < where; c++)
		if (*c == '\n') {
			line++;
			start = c + 1;
		}
	for (const char *c = start; c < where; c++)
		column += (*c & 0xc0) != 0x80;
	int length = (int)strcspn(start, "\n");
	if (where - start > LINE_SHOWN || length > LINE_SHOWN)
		return err_set(t->e, ERR_CONFIG, "%s:%d:%d: %s", t->name, line, column, what);
	for (const char *c = start; c < where; c++)
		if ((*c & 0xc0) != 0x80)
			pad[used++] = *c == '\t' ? '\t' : ' ';
	pad[used] = '\0';
	return err_set(t->e, ERR_CONFIG, "%s:%d:%d: %s\n%.*s\n%s^", t->name, line, column, what,
		length, start, pad);
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

static int read_name(const struct expansion *t, struct mark *m, const char **at, const char *what)
{
	const char *start = skip_blanks(*at);
	size_t length = *start == '.';

	length += strspn(start + length, "abcdefghijklmnopqrstuvwxyz0123456789_");
	m->name_start = start;
	if (length == 0 || (length == 1 && *start == '.'))
		return fail_at(t, start, "expected the name of a %s here", what);
	if (length > NAME_MOST)
		return fail_at(t, start, "the name is longer than %d characters", NAME_MOST);
	memcpy(m->name, start, length);
	m->name[length] = '\0';
	*at = skip_blanks(start + length);
	return 0;
}

static int read_comparison(const struct expansion *t, struct mark *m, const char **at)
{
	if (strncmp(*at, "==", 2) == 0)
		m->comparison = COMPARE_EQUAL;
	else if (strncmp(*at, "!=", 2) == 0)
		m->comparison = COMPARE_UNEQUAL;
	else
		return 0;
	const char *quote = skip_blanks(*at + 2);
	size_t length = *quote == '"' ? strcspn(quote + 1, "\"\n") : 0;
	if (*quote != '"' || quote[1 + length] != '"')
		return fail_at(t, quote, "expected a text in double quotes here");
	m->operand = quote + 1;
	m->operand_length = length;
	*at = skip_blanks(quote + length + 2);
	return 0;
}

static int read_filter(const struct expansion *t, struct mark *m, const char **at)
{
	if (**at != '|')
		return 0;
	const char *start = skip_blanks(*at + 1);
	size_t length = strspn(start, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (length != 5 || strncmp(start, "quote", 5) != 0)
		return fail_at(t, start, "unknown filter; the only one is \"quote\"");
	m->quote = true;
	*at = skip_blanks(start + length);
	return 0;
}

static bool take_word(const char **at, const char *word)
{
	size_t length = strlen(word);
	const char *behind = *at + length;

	if (strncmp(*at, word, length) != 0 || !strchr(" \t}", *behind) || !*behind)
		return false;
	*at = behind;
	return true;
}

static int read_mark_inside(const struct expansion *t, struct mark *m, const char **at)
{
	if (take_word(at, "#if")) {
		m->kind = MARK_IF;
		return read_name(t, m, at, "variable") < 0 ? -1 : read_comparison(t, m, at);
	}
	if (take_word(at, "#each")) {
		m->kind = MARK_EACH;
		return read_name(t, m, at, "list");
	}
	if (take_word(at, "/if"))
		m->kind = MARK_END_IF;
	else if (take_word(at, "/each"))
		m->kind = MARK_END_EACH;
	else if (take_word(at, "else"))
		m->kind = MARK_ELSE;
	else if (**at == '#' || **at == '/')
		return fail_at(t, *at, "unknown mark; there are #if, else, /if, #each and /each");
	else
		return read_name(t, m, at, "variable") < 0 ? -1 : read_filter(t, m, at);
	*at = skip_blanks(*at);
	return 0;
}

/* start is at the opening braces. */
static int read_mark(const struct expansion *t, const char *start, struct mark *m)
{
	const char *at = skip_blanks(start + 2);

	*m = (struct mark){ .kind = MARK_VALUE, .start = start };
	if (*at == '!') {
		m->kind = MARK_COMMENT;
		at = strstr(at, "}}");
	} else if (read_mark_inside(t, m, &at) < 0) {
		return -1;
	}
	if (!at)
		return fail_at(t, start, "the comment does not end: \"}}\" is missing");
	if (strncmp(at, "}}", 2) != 0)
		return fail_at(t, at, "expected \"}}\" here");
	m->end = at + 2;
	return 0;
}

/* Where the line of a mark that stands alone on it begins, or NULL. */
static const char *line_of_its_own(const struct expansion *t, const struct mark *m)
{
	const char *start = m->start;
	const char *behind = skip_blanks(m->end);

	while (start > t->text && (start[-1] == ' ' || start[-1] == '\t'))
		start--;
	bool alone = (start == t->text || start[-1] == '\n') && (*behind == '\n' || !*behind);
	return alone && m->kind != MARK_VALUE ? start : NULL;
}

static void put(const struct expansion *t, bool emit, const char *from, const char *to)
{
	if (emit && to > from)
		fwrite(from, 1, (size_t)(to - from), t->out);
}

/* guc-file.l reads backslash escapes inside quotes, and a doubled quote as one. */
static void put_quoted(FILE *out, const char *value)
{
	fputc('\'', out);
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20) {
			fprintf(out, "\\%03o", (unsigned)*value);
			continue;
		}
		if (*value == '\'' || *value == '\\')
			fputc(*value, out);
		fputc(*value, out);
	}
	fputc('\'', out);
}

/* The value of a variable, or of a field of the loop's item. */
static const char *look_up(const struct expansion *t, const struct mark *m)
{
	const char *value;

	if (m->name[0] != '.') {
		value = t->values->variable(t->values->ctx, m->name);
		if (!value)
			fail_at(t, m->name_start, "unknown variable \"%s\"", m->name);
		return value;
	}
	if (!t->list) {
		fail_at(t, m->name_start, "\"%s\" is not inside an {{#each}}", m->name);
		return NULL;
	}
	value = t->values->field(t->values->ctx, t->list, t->item, m->name + 1);
	if (!value)
		fail_at(t, m->name_start, "the items of \"%s\" have no \"%s\"", t->list,
			m->name + 1);
	return value;
}

static int put_value(const struct expansion *t, bool emit, const struct mark *m)
{
	const char *value = look_up(t, m);

	if (!value)
		return -1;
	if (emit && m->quote)
		put_quoted(t->out, value);
	else if (emit)
		fputs(value, t->out);
	return 0;
}

static int is_true(const struct expansion *t, const struct mark *m, bool *yes)
{
	const char *value = look_up(t, m);

	if (!value)
		return -1;
	bool equal = m->operand && strlen(value) == m->operand_length &&
		     strncmp(value, m->operand, m->operand_length) == 0;
	switch (m->comparison) {
	case COMPARE_NONE: *yes = *value && strcmp(value, "false") != 0; break;
	case COMPARE_EQUAL: *yes = equal; break;
	case COMPARE_UNEQUAL: *yes = !equal; break;
	}
	return 0;
}

/* Why a level of the recursion returns: the mark that ended its block, or the end of the text. */
enum block_end { BLOCK_FAILED, BLOCK_TEXT_END, BLOCK_ELSE, BLOCK_END_IF, BLOCK_END_EACH };

static enum block_end expand_block(struct expansion *t, bool emit, int depth);

static int expand_if(struct expansion *t, bool emit, int depth, const struct mark *m)
{
	bool yes = false;

	if (is_true(t, m, &yes) < 0)
		return -1;
	enum block_end end = expand_block(t, emit && yes, depth + 1);
	if (end == BLOCK_ELSE)
		end = expand_block(t, emit && !yes, depth + 1);
	if (end == BLOCK_FAILED || end == BLOCK_END_IF)
		return end == BLOCK_FAILED ? -1 : 0;
	return fail_at(t, m->start, "this {{#if}} has no {{/if}} of its own");
}

/* The body is expanded once for each item, or once only to be checked. */
static int expand_each(struct expansion *t, bool emit, int depth, const struct mark *m)
{
	const char *body = t->at;
	int count = t->values->count(t->values->ctx, m->name);

	if (count < 0)
		return fail_at(t, m->name_start, "unknown list \"%s\"", m->name);
	if (t->list)
		return fail_at(t, m->start, "an {{#each}} cannot stand inside another");
	if (count == 0)
		emit = false;
	t->list = m->name;
	for (int i = 0; i < (emit ? count : 1); i++) {
		t->item = emit ? i : -1;
		t->at = body;
		enum block_end end = expand_block(t, emit, depth + 1);
		if (end == BLOCK_FAILED)
			return -1;
		if (end != BLOCK_END_EACH)
			return fail_at(t, m->start, "this {{#each}} has no {{/each}} of its own");
		if (ftell(t->out) > OUTPUT_MOST)
			return fail_at(
				t, m->start, "the file would be larger than %d bytes", OUTPUT_MOST);
	}
	t->list = NULL;
	return 0;
}

static enum block_end expand_block(struct expansion *t, bool emit, int depth)
{
	struct mark m;

	if (depth > DEPTH_MOST) {
		fail_at(t, t->at, "blocks are nested more than %d deep", DEPTH_MOST);
		return BLOCK_FAILED;
	}
	for (;;) {
		const char *start = strstr(t->at, "{{");

		if (!start) {
			put(t, emit, t->at, t->at + strlen(t->at));
			t->at += strlen(t->at);
			return BLOCK_TEXT_END;
		}
		if (read_mark(t, start, &m) < 0)
			return BLOCK_FAILED;
		const char *line = line_of_its_own(t, &m);
		put(t, emit, t->at, line ? line : start);
		t->at = m.end;
		if (line) {
			t->at = skip_blanks(m.end);
			t->at += *t->at == '\n';
		}
		switch (m.kind) {
		case MARK_COMMENT: break;
		case MARK_VALUE:
			if (put_value(t, emit, &m) < 0)
				return BLOCK_FAILED;
			break;
		case MARK_IF:
			if (expand_if(t, emit, depth, &m) < 0)
				return BLOCK_FAILED;
			break;
		case MARK_EACH:
			if (expand_each(t, emit, depth, &m) < 0)
				return BLOCK_FAILED;
			break;
		case MARK_ELSE:
		case MARK_END_IF:
		case MARK_END_EACH:
			if (depth == 0) {
				fail_at(t, m.start, "there is no block here to end or divide");
				return BLOCK_FAILED;
			}
			return m.kind == MARK_ELSE     ? BLOCK_ELSE
			       : m.kind == MARK_END_IF ? BLOCK_END_IF
						       : BLOCK_END_EACH;
		}
	}
}

char *template_expand(
	const char *name, const char *text, const struct template_values *values, struct err *e)
{
	char *result = NULL;
	size_t size = 0;
	struct expansion t = {
		.name = name,
		.text = text,
		.at = text,
		.values = values,
		.item = -1,
		.out = open_memstream(&result, &size),
		.e = e,
	};

	if (!t.out) {
		err_sys(e, "could not expand template \"%s\"", name);
		return NULL;
	}
	enum block_end end = expand_block(&t, true, 0);
	if (fclose(t.out) != 0 && end != BLOCK_FAILED) {
		err_sys(e, "could not expand template \"%s\"", name);
		end = BLOCK_FAILED;
	}
	if (end != BLOCK_FAILED)
		return result;
	free(result);
	return NULL;
}
