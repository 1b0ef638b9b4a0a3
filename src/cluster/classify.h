/*
 * Who may be a member: a pure function of the facts. Citus itself takes a worker
 * of another cluster without a word and wipes its metadata, and notices no
 * directory that was made anew or restored from an older copy; so every
 * registration, and every return of a member, passes through here first.
 */
#pragma once

#include <stddef.h>

#include "cluster/facts.h"
#include "view/member_state.h"

/* What is known of one worker, for the classification. */
struct member_case {
	const char *name;
	const struct member_facts *facts;
	const struct member_record *record;
	const struct member_entry *entries; /* MANAGED_COUNT */
	const char *host;		    /* as this set has it */
	const char *twin;		    /* who else has its system identifier, or NULL */
};

/* It was a member, and somebody has removed it from Citus: no managed database has its row. */
bool classify_was_removed(const struct member_record *record, const struct member_entry *entries);

/* Somebody has disabled it: Citus has its row, and that is not active. The program itself leaves no
 * member so: it disables and activates in one transaction. */
bool classify_is_disabled(const struct member_record *record, const struct member_entry *entries);

/* The state, and in reason (size bytes) why, for the operator; "" for the unremarkable ones. */
enum member_state classify_worker(const struct member_case *c, const struct cluster_facts *cluster,
	char *reason, size_t size);

/*
 * The same test for the coordinator's own directory, against what count workers remember of it:
 * MEMBER_NEW before the cluster's id is minted, MEMBER_OURS, MEMBER_FOREIGN (all that answer
 * belong to another cluster), MEMBER_OLDER, or MEMBER_UNKNOWN until each worker has been looked
 * at once, with or without an answer. MEMBER_MISPLACED when it would be ours, and its cluster is
 * registered under other addresses than this set has: whatever it wrote would go there.
 */
enum member_state classify_coordinator(const struct member_case *workers, int count,
	const struct cluster_facts *cluster, char *reason, size_t size);
