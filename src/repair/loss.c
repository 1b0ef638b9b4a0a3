#include "repair/loss.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* Room for " and 100000 more". */
enum { MORE_SIZE = 20 };

static const char *plural(long count)
{
	return count == 1 ? "" : "s";
}

void loss_words_begin(
	struct loss_words *w, enum loss loss, long shards, int tables, char *text, size_t size)
{
	*w = (struct loss_words){ .text = text, .size = size, .tables = tables };
	text[0] = '\0';
	if (loss == LOSS_ONLY_COPIES)
		snprintf(text, size, "%ld shard%s of %d table%s had %s only copy there", shards,
			plural(shards), tables, plural(tables), shards == 1 ? "its" : "their");
	else if (loss == LOSS_COPIES)
		snprintf(text, size, "%ld shard%s of %d table%s had a copy there, and %s others",
			shards, plural(shards), tables, plural(tables),
			shards == 1 ? "has" : "have");
}

void loss_words_add(struct loss_words *w, const char *table)
{
	size_t used = strlen(w->text);
	size_t wanted = strlen(table) + 2;
	bool is_last = w->named + 1 == w->tables;

	if (w->is_full)
		return;
	if (used + wanted + (is_last ? 0 : MORE_SIZE) < w->size) {
		snprintf(w->text + used, w->size - used, "%s%s", w->named ? ", " : ": ", table);
		w->named++;
		return;
	}
	w->is_full = true;
	if (w->named)
		snprintf(w->text + used, w->size - used, " and %d more", w->tables - w->named);
}
