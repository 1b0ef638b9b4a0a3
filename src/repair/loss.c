#include "repair/loss.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/plural.h"

#include "base/banned.h"

/* Room for " and 100000 more". */
enum { MORE_SIZE = 20, TOKEN_LENGTH = 16 };

void loss_tally_begin(struct loss_tally *t)
{
	*t = (struct loss_tally){ .shards = 0 };
	t->out = open_memstream(&t->names, &t->size);
}

void loss_tally_add(struct loss_tally *t, const char *table, long shards)
{
	t->shards += shards;
	t->tables++;
	fprintf(t->out, "%s\n", table);
}

void loss_tally_end(struct loss_tally *t)
{
	if (t->out)
		fclose(t->out);
	free(t->names);
	*t = (struct loss_tally){ .out = NULL };
}

enum kind { ONLY_COPIES, COPIES, UNMANAGED };

static void describe_numbers(const struct loss_tally *t, enum kind kind, char *text, size_t size)
{
	bool is_one = t->shards == 1;

	snprintf(text, size, "%ld shard%s of %d table%s ", t->shards, plural(t->shards), t->tables,
		plural(t->tables));
	size_t used = strlen(text);
	text += used;
	size -= used;
	switch (kind) {
	case ONLY_COPIES:
		snprintf(text, size, "had %s only copy there", is_one ? "its" : "their");
		return;
	case COPIES:
		snprintf(text, size, "had a copy there, and %s others", is_one ? "has" : "have");
		return;
	case UNMANAGED:
		snprintf(text, size,
			"%s there in databases that citus-init does not manage and makes nothing "
			"anew in",
			is_one ? "was" : "were");
		return;
	}
}

/* First the numbers, then the tables one after the other; when they do not all fit, "and 12 more"
 * stands for the rest. */
static void describe(const struct loss_tally *t, enum kind kind, char *text, size_t size)
{
	_free_ char *names = xstrdup(t->names);
	char *rest = NULL;
	int named = 0;

	describe_numbers(t, kind, text, size);
	for (char *table = strtok_r(names, "\n", &rest); table;
		table = strtok_r(NULL, "\n", &rest)) {
		size_t used = strlen(text);
		bool is_last = named + 1 == t->tables;
		if (used + strlen(table) + 2 + (is_last ? 0 : MORE_SIZE) >= size) {
			if (named)
				snprintf(text + used, size - used, " and %d more",
					t->tables - named);
			return;
		}
		snprintf(text + used, size - used, "%s%s", named++ ? ", " : ": ", table);
	}
}

/* Both kinds, each with its share of the room. */
static void describe_loss(
	const struct loss_tally *only, const struct loss_tally *unmanaged, char *text, size_t size)
{
	if (only->shards)
		describe(only, ONLY_COPIES, text, unmanaged->shards ? size / 2 : size);
	if (!unmanaged->shards)
		return;
	size_t used = strlen(text);
	used += (size_t)snprintf(text + used, size - used, "%s", used ? "; " : "");
	describe(unmanaged, UNMANAGED, text + used, size - used);
}

struct loss_report loss_report_of(const struct loss_tally *only, const struct loss_tally *copies,
	const struct loss_tally *unmanaged, const char *digest)
{
	struct loss_report report = { .loss = LOSS_NONE };

	fflush(only->out);
	fflush(copies->out);
	fflush(unmanaged->out);
	if (only->shards || unmanaged->shards) {
		report.loss = LOSS_ONLY_COPIES;
		snprintf(report.token, sizeof(report.token), "%.*s", TOKEN_LENGTH, digest);
		describe_loss(only, unmanaged, report.words, sizeof(report.words));
	} else if (copies->shards) {
		report.loss = LOSS_COPIES;
		describe(copies, COPIES, report.words, sizeof(report.words));
	}
	return report;
}
