/* What an empty member has lost, for the plan and in words for the operator. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What an empty member has lost, by the coordinator's catalog and its own files. */
enum loss {
	LOSS_UNKNOWN,	  /* not assessed yet */
	LOSS_NONE,	  /* no shards were on it */
	LOSS_COPIES,	  /* each of its shards has another good copy */
	LOSS_ONLY_COPIES, /* rows that were nowhere else, or in a database that is not managed */
};

struct loss_report {
	enum loss loss;
	char words[512]; /* how many shards of which tables; "" for LOSS_NONE */
	char token[40];	 /* stands for exactly this loss; "" unless LOSS_ONLY_COPIES */
};

/* What was lost of one kind, in all databases. */
struct loss_tally {
	long shards;
	int tables;
	char *names; /* of the tables, a line each */
	size_t size;
	FILE *out;
};

void loss_tally_begin(struct loss_tally *tally);
void loss_tally_add(struct loss_tally *tally, const char *table, long shards);
/* Harmless for one that was never begun. */
void loss_tally_end(struct loss_tally *tally);

/* From what was only there, the copies that are elsewhere, and what databases that are not managed
 * place there. digest is of the shards that were only there, and of the unmanaged ones; the token
 * is its beginning. */
struct loss_report loss_report_of(const struct loss_tally *only, const struct loss_tally *copies,
	const struct loss_tally *unmanaged, const char *digest);
