/* What an empty member has lost, for the plan and in words for the operator. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What an empty member has lost, by the coordinator's catalog and its own files. */
enum loss {
	LOSS_UNKNOWN,	  /* not assessed yet */
	LOSS_NONE,	  /* no shards were on it */
	LOSS_COPIES,	  /* each of its shards has another good copy */
	LOSS_ONLY_COPIES, /* rows that were nowhere else */
};

struct loss_report {
	enum loss loss;
	char words[512]; /* how many shards of which tables; "" for LOSS_NONE */
	char token[40];	 /* stands for exactly this loss; "" unless LOSS_ONLY_COPIES */
};

/* A loss: first the numbers, then the tables one after the other. */
struct loss_words {
	char *text; /* size bytes */
	size_t size;
	int tables;   /* of the loss */
	int named;    /* of them that stand in text */
	bool is_full; /* no further one may be named */
};

/* Begins text; nothing follows for LOSS_NONE. */
void loss_words_begin(
	struct loss_words *words, enum loss loss, long shards, int tables, char *text, size_t size);
/* Names the next table. When they do not all fit, "and 12 more" stands for the rest. */
void loss_words_add(struct loss_words *words, const char *table);
