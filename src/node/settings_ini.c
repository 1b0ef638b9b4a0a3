#include "node/settings_ini.h"

#include <ini.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "node/settings_table.h"

#include "base/banned.h"

struct parse {
	const char *path;
	const char *rest; /* of the text */
	int line;	  /* of the line that was read last */
	struct settings_ini_value *values;
	struct settings_errors *errors;
};

/*
 * The reader of ini_parse_stream(), one line a call. libinih tells a handler no line number, so
 * the lines are counted here. It would also read on in the middle of a line that is too long for
 * it, and take an indented line for more of the value above: both are kept from it.
 */
static char *next_line(char *to, int size, void *ctx)
{
	struct parse *p = ctx;

	if (*p->rest == '\0')
		return NULL;
	p->line++;
	const char *end = strchrnul(p->rest, '\n');
	const char *start = p->rest + strspn(p->rest, " \t");
	if (start > end)
		start = end;
	p->rest = *end ? end + 1 : end;

	size_t length = (size_t)(end - start);
	if (length > (size_t)size - 2) {
		settings_errors_add(p->errors, "%s:%d: the line is longer than %d characters",
			p->path, p->line, size - 2);
		length = 0;
	}
	memcpy(to, start, length);
	to[length] = '\n';
	to[length + 1] = '\0';
	return to;
}

static bool is_plain_word(const char *text)
{
	return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == strlen(text);
}

static void unknown_section(struct parse *p, const char *section)
{
	const char *names[SETTING_COUNT + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings_table[i].section)
			names[count++] = settings_table[i].section;
	_free_ char *hint = settings_did_you_mean(section, names);
	settings_errors_add(
		p->errors, "%s:%d: unknown section [%s]%s", p->path, p->line, section, hint);
}

static void unknown_key(struct parse *p, const char *section, const char *key)
{
	const char *names[SETTING_COUNT + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings_table[i].section && strcmp(settings_table[i].section, section) == 0)
			names[count++] = settings_table[i].key;
	if (count == 0) {
		unknown_section(p, section);
		return;
	}
	_free_ char *hint = settings_did_you_mean(key, names);
	settings_errors_add(p->errors, "%s:%d: unknown key \"%s\" in section [%s]%s", p->path,
		p->line, key, section, hint);
}

static int take_value(void *ctx, const char *section, const char *key, const char *value)
{
	struct parse *p = ctx;

	/* Not shown when it is no word: it may be a password whose line lacks its "=". */
	if (!is_plain_word(key) || (*section && !is_plain_word(section))) {
		settings_errors_add(
			p->errors, "%s:%d: this is not \"key = value\"", p->path, p->line);
		return 1;
	}
	if (!*section) {
		settings_errors_add(p->errors, "%s:%d: key \"%s\" comes before any [section]",
			p->path, p->line, key);
		return 1;
	}
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *s = &settings_table[i];

		if (!s->section || strcmp(s->section, section) != 0 || strcmp(s->key, key) != 0)
			continue;
		if (p->values[i].text) {
			settings_errors_add(p->errors, "%s:%d: \"%s\" is already set in line %d",
				p->path, p->line, key, p->values[i].line);
			return 1;
		}
		p->values[i] = (struct settings_ini_value){ xstrdup(value), p->line };
		return 1;
	}
	unknown_key(p, section, key);
	return 1;
}

void settings_ini_parse(const char *path, const char *text, size_t length,
	struct settings_ini_value *values, struct settings_errors *errors)
{
	struct parse p = { .path = path, .rest = text, .values = values, .errors = errors };

	if (memchr(text, '\0', length)) {
		settings_errors_add(errors, "%s: holds a zero byte: this is not a text file", path);
		return;
	}
	/* take_value() accepts all, so what comes back is the line of the first syntax error;
	 * libinih tells no others. */
	int line = ini_parse_stream(next_line, &p, take_value, &p);
	if (line > 0)
		settings_errors_add(errors,
			"%s:%d: neither \"[section]\" nor \"key = value\" nor a comment", path,
			line);
	else if (line < 0)
		settings_errors_add(errors, "%s: could not be parsed: out of memory", path);
}
