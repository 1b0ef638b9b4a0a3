#include "node/settings_errors.h"

#include <stdarg.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#include "base/banned.h"

void settings_errors_add(struct settings_errors *errors, const char *fmt, ...)
{
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
	va_end(ap);
	errors->messages = xrealloc(errors->messages, errors->count + 1, sizeof(*errors->messages));
	errors->messages[errors->count++] = xstrdup(e.msg);
}

void settings_errors_free(struct settings_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->messages[i]);
	free(errors->messages);
	*errors = (struct settings_errors){ 0 };
}

enum { NAME_MOST = 64, NEAR = 3 };

/* Levenshtein's distance, with one row of the table. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MOST + 1];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = best;
		}
	}
	return row[length];
}

char *settings_did_you_mean(const char *given, const char *const *names)
{
	const char *nearest = NULL;
	size_t least = NEAR + 1;

	for (; *names && strlen(given) <= NAME_MOST; names++) {
		size_t d = strlen(*names) <= NAME_MOST ? distance(given, *names) : least;

		if (d < least && 3 * d <= strlen(*names)) {
			least = d;
			nearest = *names;
		}
	}
	return nearest ? xasprintf("; did you mean \"%s\"?", nearest) : xstrdup("");
}
