/* Every step of the plan as a table of cases, and what must hold for all plans. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/plan.h"

#define OUR_ID "11111111-1111-1111-1111-111111111111"

#define IN_SYNC .in_citus = true, .has_metadata = true
#define MEMBER	.recorded = true, .addressed = true, .stamped = true, IN_SYNC
#define BACK	.has_successor = true

/* Workers by letters: a small one is not due, or not as far as the great one. */
static const struct kind {
	char letter;
	struct plan_member member; /* due, unless it is said below */
	bool is_busy;
} kinds[] = {
	{ 'N', { .state = MEMBER_NEW }, false },
	{ 'n', { .state = MEMBER_NEW }, true },
	{ 'J', { .state = MEMBER_JOINING, .stamped = true }, false },
	{ 'j', { .state = MEMBER_JOINING, .stamped = true }, true },
	{ 's', { .state = MEMBER_JOINING }, false },
	{ 'x', { .state = MEMBER_JOINING, .stamped = true, .failures = 1 }, true },
	/* Its last look was before its activation, and it is being looked at. */
	{ 'y', { .state = MEMBER_JOINING, .stamped = true, IN_SYNC }, true },
	{ 'O', { .state = MEMBER_OURS, MEMBER, .admitted = true }, false },
	{ 'o', { .state = MEMBER_OURS, .stamped = true, IN_SYNC }, false },
	{ 'A', { .state = MEMBER_OURS, MEMBER }, false },
	{ 'a', { .state = MEMBER_OURS, MEMBER }, true },
	{ 'M',
		{ .state = MEMBER_OURS,
			.recorded = true,
			.addressed = true,
			.admitted = true,
			IN_SYNC },
		false },
	/* Its server has started; and it was recognised since. */
	{ '5',
		{ .state = MEMBER_RETURNING,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			IN_SYNC },
		false },
	/* Citus has not told it yet what changed: before it was admitted, and since. */
	{ '6', { .state = MEMBER_OURS, MEMBER, .is_stale = true }, false },
	{ '7', { .state = MEMBER_OURS, MEMBER, .is_stale = true, .admitted = true }, false },
	{ '0',
		{ .state = MEMBER_RETURNING,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.recognised = true,
			IN_SYNC },
		false },
	/* By hand: disabled, and not told yet; told; the same of a removed one; empty and disabled.
	 */
	{ 'd',
		{ .state = MEMBER_DISABLED,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.admitted = true },
		false },
	{ 't',
		{ .state = MEMBER_DISABLED,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.shut = true },
		false },
	{ 'K', { .state = MEMBER_REMOVED, .recorded = true, .addressed = true, .stamped = true },
		false },
	{ 'k',
		{ .state = MEMBER_REMOVED,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.shut = true },
		false },
	{ 'w',
		{ .state = MEMBER_EMPTY,
			.recorded = true,
			.addressed = true,
			.disabled = true,
			.loss = LOSS_NONE },
		false },
	/* New, in the place of a removed one: to be assessed; nothing lost; lost for good. Joining.
	 */
	{ 'm', { .state = MEMBER_NEW, .recorded = true, .addressed = true }, false },
	{ '8', { .state = MEMBER_NEW, .recorded = true, .addressed = true, .loss = LOSS_NONE },
		false },
	{ '9',
		{ .state = MEMBER_NEW,
			.recorded = true,
			.addressed = true,
			.loss = LOSS_ONLY_COPIES },
		false },
	{ 'z', { .state = MEMBER_JOINING, .recorded = true, .addressed = true, .stamped = true },
		false },
	/* It was freed while it was away, and is back. */
	{ 'R',
		{ .state = MEMBER_OURS,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.in_citus = true },
		false },
	{ 'r',
		{ .state = MEMBER_OURS,
			.recorded = true,
			.addressed = true,
			.stamped = true,
			.in_citus = true },
		true },
	/* Empty: to be assessed; nothing lost; copies lost; lost for good, and that accepted;
	 * the greater the further on the way back. */
	{ 'h',
		{ .state = MEMBER_EMPTY,
			.recorded = true,
			.addressed = true,
			IN_SYNC,
			.failures = 3 },
		true },
	{ 'E', { .state = MEMBER_EMPTY, .recorded = true, .addressed = true, IN_SYNC }, false },
	{ 'e', { .state = MEMBER_EMPTY, .recorded = true, .addressed = true, IN_SYNC }, true },
	{ 'p',
		{ .state = MEMBER_EMPTY,
			.recorded = true,
			.addressed = true,
			IN_SYNC,
			.loss = LOSS_NONE },
		false },
	{ 'P', { .state = MEMBER_EMPTY, MEMBER, BACK, .loss = LOSS_NONE }, false },
	{ 'c',
		{ .state = MEMBER_EMPTY,
			.recorded = true,
			.addressed = true,
			IN_SYNC,
			.loss = LOSS_COPIES },
		false },
	{ 'C', { .state = MEMBER_EMPTY, MEMBER, BACK, .loss = LOSS_COPIES }, false },
	{ 'b', { .state = MEMBER_EMPTY, MEMBER, BACK, .loss = LOSS_COPIES, .failures = 1 }, true },
	{ 'g',
		{ .state = MEMBER_EMPTY,
			.recorded = true,
			.addressed = true,
			IN_SYNC,
			.loss = LOSS_ONLY_COPIES },
		false },
	{ 'G',
		{ .state = MEMBER_EMPTY,
			MEMBER,
			BACK,
			.loss = LOSS_ONLY_COPIES,
			.loss_accepted = true },
		false },
	/* Of a cluster of before: its address is not remembered yet. */
	{ '+',
		{ .state = MEMBER_OURS,
			.recorded = true,
			.stamped = true,
			.admitted = true,
			IN_SYNC },
		false },
	/* Away: a member; for longer than the grace period; freed; no member. */
	{ 'U', { .state = MEMBER_UNREACHABLE, MEMBER }, false },
	{ 'D', { .state = MEMBER_UNREACHABLE, MEMBER, .gone = true }, false },
	{ 'H', { .state = MEMBER_HANGING, MEMBER, .gone = true }, true },
	{ 'L', { .state = MEMBER_LOCKED, MEMBER }, false },
	{ '?', { .state = MEMBER_UNKNOWN, MEMBER }, false },
	{ 'Z',
		{ .state = MEMBER_UNREACHABLE,
			.recorded = true,
			.addressed = true,
			.in_citus = true,
			.gone = true },
		false },
	{ 'u', { .state = MEMBER_UNREACHABLE }, false },
	/* Refused: no member; a member. */
	{ 'f', { .state = MEMBER_FOREIGN }, false },
	{ 'F', { .state = MEMBER_FOREIGN, MEMBER, .gone = true }, false },
	{ 'T', { .state = MEMBER_TWIN, MEMBER }, false },
	{ 'W', { .state = MEMBER_OLDER, MEMBER }, false },
	{ 'S', { .state = MEMBER_SUPERSEDED, MEMBER }, false },
	{ 'I', { .state = MEMBER_UNFIT, MEMBER }, false },
	{ 'i', { .state = MEMBER_UNFIT }, false },
	/* Of the operator's wishes: left out; of an abandoned cluster; leaving. */
	{ 'X', { .state = MEMBER_UNREACHABLE, .left_out = true }, false },
	{ 'l', { .state = MEMBER_FOREIGN, .left_out = true, .of_another = true }, false },
	{ '1', { .state = MEMBER_UNREACHABLE, .left_out = true, .of_another = true }, false },
	{ '2', { .state = MEMBER_UNKNOWN, .left_out = true }, false },
	{ '3', { .state = MEMBER_LOCKED, .left_out = true }, false },
	{ '4', { .state = MEMBER_FOREIGN, .of_another = true, .not_confirmed = true }, false },
	{ 'Y', { .state = MEMBER_NEW, .left_out = true }, true },
	{ 'B', { .state = MEMBER_FOREIGN, .to_abandon = true }, false },
	{ 'Q', { .state = MEMBER_NEW, .leaving = true }, false },
	{ 'q', { .state = MEMBER_JOINING, .stamped = true, .leaving = true }, false },
	{ 'V', { .state = MEMBER_EMPTY, MEMBER, BACK, .loss = LOSS_NONE, .leaving = true }, false },
	{ 'v', { .state = MEMBER_OURS, MEMBER, .leaving = true }, false },
};

enum stage { NO_ID, MINTED, FORMED, STAGE_COUNT };

static const struct plan_case {
	const char *workers;
	enum stage stage;
	bool one_by_one;
	enum plan_step expected;
	const char *chosen;  /* 1 and 0 */
	const char *waiting; /* part of waiting_for; NULL: nothing */
	const char *why;     /* part of it */
} plan_cases[] = {
	/* Forming. */
	{ "", NO_ID, false, PLAN_MINT, "", NULL, "no worker" },
	{ "NNN", NO_ID, false, PLAN_MINT, "000", NULL, "gets its id" },
	{ "nnn", NO_ID, false, PLAN_MINT, "000", NULL, "gets its id" },
	{ "NuN", NO_ID, false, PLAN_WAIT, "000", "citus-2 (unreachable)",
		"citus-2 is unreachable: tried again" },
	{ "NuN", NO_ID, false, PLAN_WAIT, "000", "citus-2", "\"citus-init form --without 2\"" },
	/* Only the silent ones can be left out, and none where there is an old cluster. */
	{ "Niu", NO_ID, false, PLAN_WAIT, "000", "citus-2 (unfit), citus-3 (unreachable)",
		"\"citus-init form --without 3\"" },
	{ "Nfu", NO_ID, false, PLAN_WAIT, "000", "citus-2 (foreign), citus-3 (unreachable)",
		"without it; if their coordinator's volume is lost" },
	{ "NlN", NO_ID, false, PLAN_WAIT, "000", "citus-2 (foreign)", "counts only for a worker" },
	{ "N1N", NO_ID, false, PLAN_WAIT, "000", "citus-2 (unreachable)", "--abandon ID" },
	{ "N2N", NO_ID, false, PLAN_WAIT, "000", "citus-2 (unknown)", "counts only" },
	{ "N3N", NO_ID, false, PLAN_WAIT, "000", "citus-2 (locked)", "counts only" },
	{ "NB4", NO_ID, false, PLAN_ABANDON, "010", "citus-3 (foreign)", "citus-2 is of" },
	{ "NN4", NO_ID, false, PLAN_WAIT, "000", "citus-3 (foreign)",
		"was not on the list that was confirmed" },
	{ "NNf", NO_ID, false, PLAN_WAIT, "000", "citus-3 (foreign)",
		"\"citus-init form --abandon ID\"" },
	{ "uuu", NO_ID, false, PLAN_WAIT, "000", "citus-1", "citus-3 is unreachable" },
	{ "NNi", NO_ID, false, PLAN_WAIT, "000", "citus-3 (unfit)", "same image" },
	{ "NXN", NO_ID, false, PLAN_MINT, "000", NULL, "gets its id" },
	{ "NXu", NO_ID, false, PLAN_WAIT, "000", "citus-3", "--without 2,3\"" },
	{ "XXX", NO_ID, false, PLAN_WAIT, "000", NULL, "at least one" },
	{ "NBB", NO_ID, false, PLAN_ABANDON, "011", "citus-2", "citus-2, citus-3 are of" },
	{ "fBN", NO_ID, false, PLAN_ABANDON, "010", "citus-1", "citus-2 is of" },
	{ "BBB", MINTED, false, PLAN_WAIT, "000", "citus-1 (foreign)", "own volume" },
	{ "NNN", MINTED, false, PLAN_STAMP, "111", "citus-1 (new)",
		"citus-1, citus-2, citus-3 are new: the cluster's id" },
	{ "NnN", MINTED, false, PLAN_STAMP, "101", "citus-2", "citus-1, citus-3 are new" },
	{ "JNJ", MINTED, false, PLAN_STAMP, "010", "citus-2 (new)", "citus-2 is new" },
	{ "JsJ", MINTED, false, PLAN_STAMP, "010", "citus-2", "mark of a database" },
	{ "JJJ", MINTED, false, PLAN_REGISTER, "111", "citus-1 (joining)", "handed to Citus" },
	{ "JJJ", MINTED, true, PLAN_REGISTER, "100", "citus-1 (joining)", "alone" },
	{ "OJJ", MINTED, true, PLAN_REGISTER, "010", "citus-2 (joining)", "citus-2 is marked" },
	{ "ooo", MINTED, false, PLAN_CONFIRM, "111", NULL, "remembered" },
	{ "+O", FORMED, false, PLAN_CONFIRM, "10", NULL, "remembered" },
	{ "oJO", MINTED, false, PLAN_CONFIRM, "100", "citus-2", "citus-1 is registered" },
	{ "AAA", MINTED, false, PLAN_ADMIT, "111", NULL, "are recognised" },
	{ "OOO", MINTED, false, PLAN_FORM, "000", NULL, "is formed" },
	{ "", MINTED, false, PLAN_FORM, "", NULL, "is formed" },
	{ "OOu", MINTED, false, PLAN_FORM, "000", "citus-3 (unreachable)", "is formed" },
	{ "OOj", MINTED, false, PLAN_WAIT, "000", "citus-3 (joining)", "citus-3 is joining" },
	{ "OOn", MINTED, false, PLAN_WAIT, "000", "citus-3 (new)", "citus-3 is new" },
	{ "OO?", MINTED, false, PLAN_WAIT, "000", "citus-3 (unknown)", "in a moment" },
	{ "OOx", MINTED, false, PLAN_FORM, "000", "citus-3 (joining)", "is formed" },
	{ "OXY", MINTED, false, PLAN_FORM, "000", NULL, "is formed" },
	{ "jXY", MINTED, false, PLAN_WAIT, "000", "citus-1 (joining)", "citus-1" },
	{ "XXX", MINTED, false, PLAN_WAIT, "000", NULL, "first worker" },
	{ "uuu", MINTED, false, PLAN_WAIT, "000", "citus-1", "unreachable" },

	/* Formed, and nothing broken. */
	{ "", FORMED, false, PLAN_NOTHING, "", NULL, "as it should be" },
	{ "OOO", FORMED, false, PLAN_NOTHING, "000", NULL, "as it should be" },
	{ "OOJ", FORMED, false, PLAN_REGISTER, "001", "citus-3", "citus-3" },
	{ "uON", FORMED, false, PLAN_STAMP, "001", "citus-1 (unreachable)", "citus-3 is new" },
	{ "OuJ", FORMED, false, PLAN_REGISTER, "001", "citus-2 (unreachable)", "citus-3" },
	{ "OXO", FORMED, false, PLAN_WAIT, "000", "citus-2 (unreachable)", "citus-2" },
	{ "OMO", FORMED, false, PLAN_STAMP, "010", NULL, "citus-2 is without the mark" },
	{ "O6A", FORMED, false, PLAN_ADMIT, "001", "citus-2 (out of sync)", "recognised" },
	{ "O6O", FORMED, false, PLAN_WAIT, "000", "citus-2 (out of sync)", "into sync" },
	{ "7OO", FORMED, false, PLAN_WAIT, "000", "citus-1 (out of sync)", "into sync" },
	{ "7JO", FORMED, false, PLAN_REGISTER, "010", "citus-1 (out of sync)", "citus-2" },
	{ "5A5", FORMED, false, PLAN_RECOGNISE, "101", "citus-1 (returning), citus-3 (returning)",
		"citus-1, citus-3 are recognised" },
	{ "0OA", FORMED, false, PLAN_ADMIT, "001", "citus-1 (returning)", "recognised" },
	{ "0OO", FORMED, false, PLAN_WAIT, "000", "citus-1 (returning)", "citus-1 is returning" },
	{ "0JO", FORMED, false, PLAN_WAIT, "000", "citus-1 (returning), citus-2 (joining)",
		"waits for citus-1 (returning)" },
	{ "AoN", FORMED, false, PLAN_ADMIT, "100", "citus-3", "citus-1 is recognised" },
	{ "OaO", FORMED, false, PLAN_WAIT, "000", NULL, "in a moment" },
	{ "aOJ", FORMED, false, PLAN_REGISTER, "001", "citus-3", "citus-3" },
	{ "OyJ", FORMED, false, PLAN_REGISTER, "001", "citus-2", "citus-3" },
	{ "OOf", FORMED, false, PLAN_WAIT, "000", "citus-3 (foreign)", "its own volume" },
	{ "JQq", FORMED, false, PLAN_REGISTER, "100", "citus-1", "citus-1 is marked" },
	{ "OQq", FORMED, false, PLAN_NOTHING, "000", NULL, "as it should be" },
	{ "Ovv", FORMED, false, PLAN_ADMIT, "011", NULL, "citus-2, citus-3" },
	{ "OQq", MINTED, false, PLAN_FORM, "000", NULL, "is formed" },

	/* What somebody did by hand is named, closed, and left so. */
	{ "OdO", FORMED, false, PLAN_SHUT, "010", "citus-2 (disabled)", "may not log in" },
	{ "dKJ", FORMED, false, PLAN_SHUT, "110", "citus-2 (removed)", "citus-1, citus-2 are" },
	{ "AdO", FORMED, false, PLAN_ADMIT, "100", "citus-2 (disabled)", "recognised" },
	{ "OtO", FORMED, false, PLAN_WAIT, "000", "citus-2 (disabled)", "activate it in Citus" },
	{ "OkO", FORMED, false, PLAN_WAIT, "000", "citus-2 (removed)", "joins as a new node" },
	{ "OtJ", FORMED, false, PLAN_REGISTER, "001", "citus-2 (disabled)", "citus-3" },
	{ "OkJ", FORMED, false, PLAN_REGISTER, "001", "citus-2 (removed)", "citus-3" },
	{ "OwO", FORMED, false, PLAN_WAIT, "000", "citus-2 (empty)", "citus_remove_node()" },
	{ "OwC", FORMED, false, PLAN_BRING_BACK, "001", "citus-2 (empty)", "citus-3" },
	{ "OmO", FORMED, false, PLAN_ASSESS, "010", "citus-2 (new)", "its loss is assessed" },
	{ "O8O", FORMED, false, PLAN_STAMP, "010", "citus-2 (new)", "citus-2 is new" },
	{ "O9O", FORMED, false, PLAN_WAIT, "000", "citus-2 (new)", "accept-loss citus-2" },
	{ "OzO", FORMED, false, PLAN_STAMP, "010", "citus-2 (joining)", "removed one's place" },

	/* Empty again. */
	{ "OEE", FORMED, false, PLAN_ASSESS, "010", "citus-2 (empty)", "loss is assessed" },
	{ "OeO", FORMED, false, PLAN_WAIT, "000", "citus-2 (empty)", "filled again automatically" },
	{ "OpN", FORMED, false, PLAN_STAMP, "001", "citus-2 (empty)", "citus-3 is new" },
	{ "Opc", FORMED, false, PLAN_STAMP, "011", "citus-2", "may be filled again" },
	{ "OPO", FORMED, false, PLAN_BRING_BACK, "010", "citus-2", "no shards" },
	{ "OCO", FORMED, false, PLAN_BRING_BACK, "010", "citus-2", "another copy" },
	{ "OGO", FORMED, false, PLAN_BRING_BACK, "010", "citus-2", "accepted" },
	{ "OgO", FORMED, false, PLAN_WAIT, "000", "citus-2 (empty)",
		"\"citus-init accept-loss citus-2\"" },
	{ "OCJ", FORMED, false, PLAN_BRING_BACK, "010", "citus-2", "citus-2" },
	{ "OeJ", FORMED, false, PLAN_WAIT, "000", "citus-2",
		"citus-3 (joining) waits for citus-2" },
	{ "OgJ", FORMED, false, PLAN_FREE, "010", "citus-2", "citus-3 (joining) waits" },
	{ "ObJ", FORMED, false, PLAN_FREE, "010", "citus-2", "which is empty" },
	/* What it has lost could not be found out. */
	{ "OhJ", FORMED, false, PLAN_WAIT, "000", "citus-2 (empty)", "waits for citus-2 (empty)" },
	{ "OhC", FORMED, false, PLAN_WAIT, "000", "citus-2 (empty)", "waits for citus-2 (empty)" },
	{ "CgC", FORMED, false, PLAN_FREE, "010", "citus-1", "citus-2, which is empty" },
	{ "OVJ", FORMED, false, PLAN_FREE, "010", "citus-2", "citus-2, which is empty" },
	{ "OVO", FORMED, false, PLAN_WAIT, "000", "citus-2", "citus-2" },

	/* Away. */
	{ "OUO", FORMED, false, PLAN_WAIT, "000", "citus-2 (unreachable)", "citus-2" },
	{ "ODO", FORMED, false, PLAN_WAIT, "000", "citus-2 (unreachable)", "citus-2" },
	{ "OUJ", FORMED, false, PLAN_WAIT, "000", "citus-2",
		"citus-3 (joining) waits for citus-2 (unreachable)" },
	{ "OUJ", FORMED, false, PLAN_WAIT, "000", "citus-2", "after the grace period" },
	{ "OLJ", FORMED, false, PLAN_WAIT, "000", "citus-2", "for citus-2 (locked)" },
	{ "O?J", FORMED, false, PLAN_WAIT, "000", "citus-2", "for citus-2 (unknown)" },
	{ "ODJ", FORMED, false, PLAN_FREE, "010", "citus-2",
		"citus-2 has been unreachable for longer" },
	{ "OHJ", FORMED, false, PLAN_FREE, "010", "citus-2",
		"citus-2 has been hanging for longer" },
	{ "JD", FORMED, false, PLAN_FREE, "01", "citus-2", "citus-1 (joining)" },
	{ "ODC", FORMED, false, PLAN_FREE, "010", "citus-2", "citus-3 (empty)" },
	{ "RDO", FORMED, false, PLAN_FREE, "010", "citus-2", "citus-1 (ours)" },
	{ "gDJ", FORMED, false, PLAN_FREE, "010", "citus-1", "citus-2 has been unreachable" },
	{ "DDJ", FORMED, false, PLAN_WAIT, "000", "citus-1", "only one member" },
	{ "DUJ", FORMED, false, PLAN_WAIT, "000", "citus-1", "only one member" },
	{ "ZDJ", FORMED, false, PLAN_WAIT, "000", "citus-1", "only one member" },
	{ "ZgJ", FORMED, false, PLAN_FREE, "010", "citus-1", "citus-2, which is empty" },
	{ "OZJ", FORMED, false, PLAN_REGISTER, "001", "citus-2", "citus-3" },
	{ "OZO", FORMED, false, PLAN_WAIT, "000", "citus-2 (unreachable)", "citus-2" },
	{ "ODj", FORMED, false, PLAN_WAIT, "000", "citus-2", "citus-2" },
	{ "ODN", FORMED, false, PLAN_STAMP, "001", "citus-2", "citus-3" },
	{ "ORO", FORMED, false, PLAN_ACTIVATE, "010", "citus-2 (out of sync)", "out of date" },
	{ "OrO", FORMED, false, PLAN_WAIT, "000", "citus-2 (out of sync)", "into sync" },
	{ "RRJ", FORMED, false, PLAN_REGISTER, "001", "citus-1", "citus-3" },
	{ "RRO", FORMED, false, PLAN_ACTIVATE, "100", "citus-1", "citus-1 is back" },
	{ "OUJ", MINTED, false, PLAN_WAIT, "000", "citus-2", "waits for citus-2" },
	{ "OUx", MINTED, false, PLAN_FORM, "000", "citus-2", "is formed" },

	/* A refused directory in a member's place: Citus must not write to it. */
	{ "OFJ", FORMED, false, PLAN_WAIT, "000", "citus-2", "refused is not touched" },
	{ "OTJ", FORMED, false, PLAN_WAIT, "000", "citus-2", "refused is not touched" },
	{ "OWC", FORMED, false, PLAN_WAIT, "000", "citus-2", "citus-2 is older: refused" },
	{ "OSR", FORMED, false, PLAN_WAIT, "000", "citus-2", "refused is not touched" },
	{ "OIJ", FORMED, false, PLAN_WAIT, "000", "citus-2", "refused is not touched" },
	{ "FDJ", FORMED, false, PLAN_WAIT, "000", "citus-1", "refused is not touched" },
	{ "OFN", FORMED, false, PLAN_STAMP, "001", "citus-2", "citus-3 is new" },
};

static const char *const names[] = { "citus-1", "citus-2", "citus-3", "citus-4", "citus-5" };

static struct plan_member member_of(const struct kind *kind, int index)
{
	struct plan_member m = kind->member;

	m.name = names[index];
	m.due = !kind->is_busy;
	return m;
}

static const struct kind *kind_of(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].letter == letter)
			return &kinds[i];
	ck_abort_msg("no kind '%c'", letter);
}

static struct cluster_facts cluster_at(enum stage stage)
{
	struct cluster_facts cluster = { .formed = stage == FORMED };

	if (stage != NO_ID)
		memcpy(cluster.id, OUR_ID, sizeof(OUR_ID));
	return cluster;
}

START_TEST(every_plan)
{
	const struct plan_case *c = &plan_cases[_i];
	const struct cluster_facts cluster = cluster_at(c->stage);
	struct plan_member workers[3] = { { .name = NULL } };
	struct plan plan;
	int count = (int)strlen(c->workers);

	for (int i = 0; i < count; i++)
		workers[i] = member_of(kind_of(c->workers[i]), i);
	plan_next_step(&cluster, workers, count, c->one_by_one, &plan);
	ck_assert_msg(plan.step == c->expected, "%s: %s, expected %s (%s)", c->workers,
		plan_step_name(plan.step), plan_step_name(c->expected), plan.why);
	for (int i = 0; i < count; i++)
		ck_assert_msg(plan.chosen[i] == (c->chosen[i] == '1'), "%s: worker %d", c->workers,
			i + 1);
	if (c->waiting)
		ck_assert_msg(strstr(plan.waiting_for, c->waiting) != NULL, "%s: \"%s\"",
			c->workers, plan.waiting_for);
	else
		ck_assert_msg(
			plan.waiting_for[0] == '\0', "%s: \"%s\"", c->workers, plan.waiting_for);
	ck_assert_msg(strstr(plan.why, c->why) != NULL, "%s: \"%s\"", c->workers, plan.why);
}
END_TEST

START_TEST(no_step_is_without_a_case)
{
	/* That one is for a coordinator that is refused, which cluster_plan() knows. */
	bool seen[PLAN_STEP_COUNT] = { [PLAN_ADOPT] = true };

	for (size_t i = 0; i < ARRAY_LEN(plan_cases); i++)
		seen[plan_cases[i].expected] = true;
	for (int step = 0; step < PLAN_STEP_COUNT; step++)
		ck_assert_msg(seen[step], "%s", plan_step_name((enum plan_step)step));
}
END_TEST

/* What must hold for every plan. */

struct question {
	struct cluster_facts cluster;
	struct plan_member workers[5];
	int count;
	bool one_by_one;
};

static bool is_silent(const struct plan_member *m)
{
	return m->state == MEMBER_UNKNOWN || m->state == MEMBER_UNREACHABLE ||
	       m->state == MEMBER_HANGING || m->state == MEMBER_LOCKED;
}

static bool is_refused(const struct plan_member *m)
{
	return m->state == MEMBER_FOREIGN || m->state == MEMBER_TWIN || m->state == MEMBER_OLDER ||
	       m->state == MEMBER_SUPERSEDED || m->state == MEMBER_DISABLED ||
	       m->state == MEMBER_REMOVED || m->state == MEMBER_UNFIT;
}

static bool is_loss_bearable(const struct plan_member *m)
{
	return m->loss == LOSS_NONE || m->loss == LOSS_COPIES ||
	       (m->loss == LOSS_ONLY_COPIES && m->loss_accepted);
}

static bool is_new_without_loss(const struct plan_member *m)
{
	return m->state == MEMBER_NEW && (!m->recorded || is_loss_bearable(m));
}

/* Citus would write to it while it changes others, and it does not answer or is not ours. */
static bool is_in_the_way(const struct plan_member *m)
{
	return m->in_citus && m->has_metadata &&
	       (is_silent(m) || is_refused(m) || m->state == MEMBER_EMPTY);
}

/* Not by ck_assert(): that writes a message each time, and these are millions. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s of %s (%s): not %s: %s", plan_step_name(plan->step),      \
				m->name, member_state_name(m->state), #condition, plan->why);      \
	} while (0)
#define must_all(condition)                                                                        \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s: not %s: %s", plan_step_name(plan->step), #condition,     \
				plan->why);                                                        \
	} while (0)

/* Whether the step may be taken for it, whatever the others are. */
static bool is_allowed(enum plan_step step, const struct plan_member *m)
{
	bool is_ours = m->state == MEMBER_OURS;
	bool is_in_sync = m->in_citus && m->has_metadata;

	switch (step) {
	case PLAN_ABANDON: return m->state == MEMBER_FOREIGN && m->to_abandon;
	case PLAN_RECOGNISE: return m->state == MEMBER_RETURNING && !m->recognised;
	case PLAN_ADMIT: return is_ours && m->recorded && is_in_sync && !m->is_stale;
	case PLAN_SHUT: return m->state == MEMBER_DISABLED || m->state == MEMBER_REMOVED;
	case PLAN_STAMP:
		return is_ours ||
		       (!m->leaving && (is_new_without_loss(m) || m->state == MEMBER_JOINING ||
					       (m->state == MEMBER_EMPTY && is_loss_bearable(m))));
	case PLAN_REGISTER:
		return m->state == MEMBER_JOINING && m->stamped && !m->recorded && !m->leaving;
	case PLAN_CONFIRM: return is_ours && !(m->recorded && m->addressed);
	case PLAN_ASSESS:
		return (m->state == MEMBER_NEW ? m->recorded
					       : m->state == MEMBER_EMPTY && !m->disabled) &&
		       m->loss == LOSS_UNKNOWN;
	case PLAN_BRING_BACK:
		return m->state == MEMBER_EMPTY && m->stamped && m->has_successor && !m->leaving &&
		       !m->disabled && is_loss_bearable(m);
	case PLAN_ACTIVATE: return is_ours && m->in_citus && !m->has_metadata;
	case PLAN_FREE:
		return is_in_sync && (m->state == MEMBER_EMPTY || (is_silent(m) && m->gone));
	case PLAN_NOTHING:
	case PLAN_WAIT:
	case PLAN_MINT:
	case PLAN_FORM:
	case PLAN_ADOPT:
	case PLAN_STEP_COUNT: break;
	}
	return false;
}

/* Freeing one that is away: nobody else is, so most others answer. */
static void check_free(
	const struct question *q, const struct plan *plan, const struct plan_member *m)
{
	int others = 0, silent = 0;
	bool is_needed = false;

	for (int i = 0; i < q->count; i++) {
		const struct plan_member *other = &q->workers[i];
		if (other == m)
			continue;
		is_needed |= other->due &&
			     (other->state == MEMBER_JOINING || other->state == MEMBER_EMPTY ||
				     (other->state == MEMBER_OURS && !other->has_metadata));
		if (!other->in_citus)
			continue;
		others++;
		silent += is_silent(other);
		must(!is_in_the_way(other) || other->state == MEMBER_EMPTY);
		must(!(is_silent(m) && is_silent(other)));
	}
	must(is_needed);
	must(m->state == MEMBER_EMPTY || 2 * silent <= others);
}

static void check_nobody_in_the_way(const struct question *q, const struct plan *plan)
{
	for (int i = 0; i < q->count; i++) {
		const struct plan_member *m = &q->workers[i];
		if (!plan->chosen[i])
			must(!is_in_the_way(m));
	}
}

static void check_forming(const struct question *q, const struct plan *plan)
{
	int new = 0, ours = 0;

	for (int i = 0; i < q->count; i++) {
		const struct plan_member *m = &q->workers[i];
		new += m->state == MEMBER_NEW && !m->left_out;
		ours += m->state == MEMBER_OURS;
		if (plan->step == PLAN_MINT)
			must(m->state == MEMBER_NEW || m->left_out);
		else
			must((m->state != MEMBER_NEW && m->state != MEMBER_JOINING) ||
				m->left_out || m->leaving || m->failures > 0);
	}
	must_all(q->count == 0 || (plan->step == PLAN_MINT ? new : ours) > 0);
	must_all(!q->cluster.formed);
}

/* How many are chosen, each of them as the step allows. */
static int check_chosen(const struct question *q, const struct plan *plan)
{
	int chosen = 0;

	for (int i = 0; i < q->count; i++) {
		const struct plan_member *m = &q->workers[i];
		if (!plan->chosen[i])
			continue;
		chosen++;
		must(is_allowed(plan->step, m));
		if (plan->step == PLAN_FREE)
			check_free(q, plan, m);
		else
			must(m->due || plan->step == PLAN_CONFIRM);
	}
	return chosen;
}

static bool is_for_one(const struct question *q, enum plan_step step)
{
	return step == PLAN_ASSESS || step == PLAN_BRING_BACK || step == PLAN_ACTIVATE ||
	       step == PLAN_FREE || (step == PLAN_REGISTER && q->one_by_one);
}

static bool is_for_nobody(enum plan_step step)
{
	return step == PLAN_NOTHING || step == PLAN_WAIT || step == PLAN_MINT || step == PLAN_FORM;
}

static void check_plan(const struct question *q, const struct plan *plan)
{
	bool is_before_id = plan->step == PLAN_MINT || plan->step == PLAN_ABANDON;
	int chosen = check_chosen(q, plan);

	must_all(is_for_nobody(plan->step) ? chosen == 0 : chosen > 0);
	must_all(!is_for_one(q, plan->step) || chosen == 1);
	must_all(plan->why[0] && strlen(plan->why) < sizeof(plan->why) - 1);
	must_all(q->cluster.id[0] ? !is_before_id : is_before_id || plan->step == PLAN_WAIT);
	if (plan->step == PLAN_REGISTER || plan->step == PLAN_BRING_BACK ||
		plan->step == PLAN_ACTIVATE)
		check_nobody_in_the_way(q, plan);
	if (plan->step == PLAN_MINT || plan->step == PLAN_FORM)
		check_forming(q, plan);
	if (plan->step == PLAN_NOTHING)
		must_all(!plan->waiting_for[0] && q->cluster.formed);
}

static void ask(struct question *q, struct plan *plan)
{
	plan_next_step(&q->cluster, q->workers, q->count, q->one_by_one, plan);
	check_plan(q, plan);
}

/* What the step does when it succeeds, to one that it was chosen for. */
static void apply(enum plan_step step, struct plan_member *m)
{
	switch (step) {
	case PLAN_ABANDON: m->state = MEMBER_UNREACHABLE; return;
	case PLAN_RECOGNISE:
		m->state = MEMBER_OURS;
		m->recognised = true;
		return;
	case PLAN_ADMIT: m->admitted = true; return;
	case PLAN_SHUT:
		m->admitted = false;
		m->shut = true;
		return;
	case PLAN_CONFIRM: m->recorded = m->addressed = true; return;
	case PLAN_ASSESS: m->loss = LOSS_COPIES; return;
	case PLAN_STAMP:
		m->stamped = true;
		m->has_successor = m->state == MEMBER_EMPTY;
		/* Who was remembered under the name of a new one is forgotten. */
		if (m->state == MEMBER_NEW || m->state == MEMBER_JOINING)
			m->recorded = false;
		if (m->state == MEMBER_NEW)
			m->state = MEMBER_JOINING;
		return;
	case PLAN_BRING_BACK:
		m->recorded = true;
		m->state = MEMBER_OURS;
		m->in_citus = m->has_metadata = true;
		return;
	case PLAN_REGISTER:
		m->state = MEMBER_OURS;
		m->in_citus = m->has_metadata = true;
		return;
	case PLAN_ACTIVATE: m->has_metadata = true; return;
	case PLAN_FREE: m->has_metadata = false; return;
	case PLAN_NOTHING:
	case PLAN_WAIT:
	case PLAN_MINT:
	case PLAN_FORM:
	case PLAN_ADOPT:
	case PLAN_STEP_COUNT: return;
	}
}

/* Takes one step after the other until there is none left; each leads on. */
static void follow_to_the_end(struct question *q)
{
	enum { STEPS_MAX = 40 };
	struct plan plan;

	for (int n = 0; n < STEPS_MAX; n++) {
		ask(q, &plan);
		if (plan.step == PLAN_WAIT || plan.step == PLAN_NOTHING)
			return;
		for (int i = 0; i < q->count; i++)
			if (plan.chosen[i])
				apply(plan.step, &q->workers[i]);
		if (plan.step == PLAN_MINT)
			memcpy(q->cluster.id, OUR_ID, sizeof(OUR_ID));
		q->cluster.formed |= plan.step == PLAN_FORM;
	}
	ck_abort_msg("no end: %s", plan.why);
}

START_TEST(all_plans_for_three_of_every_kind_are_allowed_and_come_to_an_end)
{
	for (size_t n = 0; n < ARRAY_LEN(kinds) * ARRAY_LEN(kinds); n++) {
		struct question q = {
			.cluster = cluster_at((enum stage)_i / 2), .count = 3, .one_by_one = _i % 2
		};
		for (size_t third = 0; third < ARRAY_LEN(kinds); third++) {
			struct question at = q;
			at.workers[0] = member_of(&kinds[n / ARRAY_LEN(kinds)], 0);
			at.workers[1] = member_of(&kinds[n % ARRAY_LEN(kinds)], 1);
			at.workers[2] = member_of(&kinds[third], 2);
			follow_to_the_end(&at);
		}
	}
}
END_TEST

/* A random number below limit, the same ones in each run. */
static unsigned below(uint64_t *seed, unsigned limit)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % limit;
}

START_TEST(no_plan_for_any_facts_is_forbidden)
{
	uint64_t seed = (uint64_t)_i + 1;

	for (int n = 0; n < 100000; n++) {
		struct question q = { .cluster = cluster_at((enum stage)below(&seed, STAGE_COUNT)),
			.count = (int)below(&seed, 6),
			.one_by_one = below(&seed, 2) };
		struct plan plan;
		/* Any bits, but more members in sync than chance would have. */
		for (int i = 0; i < q.count; i++)
			q.workers[i] = (struct plan_member){ .name = names[i],
				.state = (enum member_state)below(&seed, MEMBER_STATE_COUNT),
				.recorded = below(&seed, 4) > 0,
				.addressed = below(&seed, 4) > 0,
				.due = below(&seed, 4) > 0,
				.failures = below(&seed, 2),
				.in_citus = below(&seed, 4) > 0,
				.has_metadata = below(&seed, 4) > 0,
				.stamped = below(&seed, 4) > 0,
				.admitted = below(&seed, 4) > 0,
				.shut = below(&seed, 2),
				.disabled = below(&seed, 4) == 0,
				.gone = below(&seed, 2),
				.leaving = below(&seed, 4) == 0,
				.left_out = below(&seed, 4) == 0,
				.to_abandon = below(&seed, 2),
				.has_successor = below(&seed, 4) > 0,
				.loss = (enum loss)below(&seed, LOSS_ONLY_COPIES + 1),
				.loss_accepted = below(&seed, 2) };
		ask(&q, &plan);
	}
}
END_TEST

START_TEST(all_that_can_be_repaired_is)
{
	struct question q = { .cluster = cluster_at(NO_ID), .count = 5 };
	struct plan plan;

	for (int i = 0; i < q.count; i++)
		q.workers[i] = member_of(kind_of('N'), i);
	follow_to_the_end(&q);
	ask(&q, &plan);
	ck_assert_int_eq(plan.step, PLAN_NOTHING);
	/* All volumes are lost at once, and nothing had its only copy there. */
	for (int i = 0; i < q.count; i++)
		q.workers[i] = member_of(kind_of('E'), i);
	follow_to_the_end(&q);
	ask(&q, &plan);
	ck_assert_msg(plan.step == PLAN_NOTHING, "%s", plan.why);
	/* A dead member is left behind for one that joins, and comes back. */
	q.workers[1] = member_of(kind_of('D'), 1);
	q.workers[4] = member_of(kind_of('N'), 4);
	follow_to_the_end(&q);
	ck_assert_int_eq(q.workers[4].state, MEMBER_OURS);
	ck_assert(!q.workers[1].has_metadata);
	q.workers[1] = member_of(kind_of('R'), 1);
	follow_to_the_end(&q);
	ask(&q, &plan);
	ck_assert_msg(plan.step == PLAN_NOTHING, "%s", plan.why);
}
END_TEST

START_TEST(long_lists_of_names_are_cut_within_their_bounds)
{
	static const char letters[] = "uNJgDF";
	struct plan_member workers[MEMBERS_MAX - 1];
	struct plan plan;

	for (int stage = 0; stage < STAGE_COUNT; stage++)
		for (size_t n = 0; n < strlen(letters); n++) {
			const struct cluster_facts cluster = cluster_at((enum stage)stage);
			for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
				workers[i] = member_of(kind_of(letters[i % (n + 1)]), 0);
				workers[i].name = "a-name-that-is-not-short-at-all-0123456789";
			}
			plan_next_step(&cluster, workers, (int)ARRAY_LEN(workers), false, &plan);
			ck_assert_uint_lt(strlen(plan.waiting_for), sizeof(plan.waiting_for));
			ck_assert_uint_lt(strlen(plan.why), sizeof(plan.why));
		}
}
END_TEST

START_TEST(pause_holds_up_what_changes_something)
{
	for (int step = 0; step < PLAN_STEP_COUNT; step++) {
		bool is_harmless = step == PLAN_NOTHING || step == PLAN_WAIT ||
				   step == PLAN_RECOGNISE || step == PLAN_ADMIT ||
				   step == PLAN_SHUT || step == PLAN_ASSESS;
		ck_assert_msg(plan_step_is_change((enum plan_step)step) == !is_harmless, "%s",
			plan_step_name((enum plan_step)step));
	}
}
END_TEST

Suite *suite_plan(void);
Suite *suite_plan(void)
{
	Suite *suite = suite_create("plan");
	TCase *cases = tcase_create("cases");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(cases, every_plan, 0, (int)ARRAY_LEN(plan_cases));
	tcase_add_test(cases, no_step_is_without_a_case);
	tcase_add_test(cases, long_lists_of_names_are_cut_within_their_bounds);
	tcase_add_test(cases, pause_holds_up_what_changes_something);
	tcase_add_loop_test(all, all_plans_for_three_of_every_kind_are_allowed_and_come_to_an_end,
		0, 2 * STAGE_COUNT);
	tcase_add_loop_test(all, no_plan_for_any_facts_is_forbidden, 0, 4);
	tcase_add_test(all, all_that_can_be_repaired_is);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, cases);
	suite_add_tcase(suite, all);
	return suite;
}
