/* Every state of a worker and of the coordinator, as tables of cases. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/classify.h"

#define OUR_ID	 "11111111-1111-1111-1111-111111111111"
#define OTHER_ID "22222222-2222-2222-2222-222222222222"
#define MARK	 "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa" /* the incarnation of our database */
#define OLD_MARK "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

static const struct fitness fit = { .server_version = 150020,
	.citus = "13.2-1",
	.encoding = "UTF8",
	.provider = "icu",
	.collation = "C.UTF-8/C.UTF-8",
	.locale = "en",
	.rules = "&a < g",
	.collation_version = "153.14",
	.icu_version = "153.120",
	.libc_version = "2.36" };

static const struct superseded written_off[] = { { "66" }, { "99" } };
static const struct stranger strangers[] = {
	{ .group = 4, .address = { "db-4", 5432 } },
	{ .group = 5, .address = { "db-5", 5432 } },
};

#define EPOCH(its_number, its_id) .epoch = { .number = (its_number), .id = (its_id) }
#define SAYS(identifier)	  .look = LOOK_ANSWERED, .entered = true, .system_identifier = (identifier)
#define SHOWS(identifier)                                                                          \
	.look = LOOK_ANSWERED, .system_identifier = (identifier), .cluster_id = OUR_ID,            \
	.name = "citus-1"
#define IS_CITUS_1(identifier) SAYS(identifier), .cluster_id = OUR_ID, .name = "citus-1"
#define IS_CITUS_2(identifier) SAYS(identifier), .cluster_id = OUR_ID, .name = "citus-2"
#define IN_GROUP(its_group, its_mark)                                                              \
	.databases = {                                                                             \
		{ .group = (its_group), .nodes = 3, .tables = 2, .incarnation = (its_mark) }       \
	}
#define MARKED			   .databases = { { .incarnation = MARK } }
#define INTENDED(its_identifier)   .intended = true, .system_identifier = (its_identifier)
#define REGISTERED(its_identifier) INTENDED(its_identifier), .registered = true
#define ENTRY(its_group)                                                                           \
	{                                                                                          \
		.present = true, .active = true, .has_metadata = true, .group = (its_group),       \
		.shards = 4                                                                        \
	}

static const struct state_case {
	const char *what;
	enum member_state expected;
	const char *reason; /* must be part of the reason; NULL: there must be none */
	bool no_cluster;    /* the coordinator has no id yet */
	struct member_facts facts;
	struct member_record record;
	struct member_entry entry;
	const char *twin;
} state_cases[] = {
	{ .what = "not looked at", .expected = MEMBER_UNKNOWN },
	{ .what = "silent",
		.expected = MEMBER_UNREACHABLE,
		.reason = "connection refused",
		.facts = { .look = LOOK_SILENT, .problem = "connection refused" } },
	{ .what = "silent, though it was superseded and a twin when it answered",
		.expected = MEMBER_UNREACHABLE,
		.reason = "connection refused",
		.facts = { .look = LOOK_SILENT,
			.problem = "connection refused",
			.system_identifier = "99" },
		.twin = "citus-2" },
	{ .what = "hanging",
		.expected = MEMBER_HANGING,
		.reason = "no answer",
		.facts = { .look = LOOK_HANGING, .problem = "no answer" } },
	{ .what = "log-in refused",
		.expected = MEMBER_LOCKED,
		.reason = "28P01",
		.facts = { .look = LOOK_REFUSED, .problem = "28P01" } },
	{ .what = "still setting itself up",
		.expected = MEMBER_UNFIT,
		.reason = "not finished",
		.facts = { .look = LOOK_NOT_SET_UP, .problem = "not finished" } },

	/* No cluster id on it. */
	{ .what = "empty, before there is a cluster",
		.expected = MEMBER_NEW,
		.no_cluster = true,
		.facts = { SAYS("7") } },
	{ .what = "empty, the cluster exists", .expected = MEMBER_NEW, .facts = { SAYS("7") } },
	{ .what = "empty, its intent was written for another directory",
		.expected = MEMBER_NEW,
		.facts = { SAYS("8") },
		.record = { INTENDED("7") } },
	{ .what = "empty, somebody removed the member of its name from Citus",
		.expected = MEMBER_NEW,
		.facts = { SAYS("8") },
		.record = { REGISTERED("7") } },
	{ .what = "wiped: somebody had disabled the member of its name",
		.expected = MEMBER_EMPTY,
		.reason = "0 shards",
		.facts = { SAYS("8") },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "wiped: a member is remembered",
		.expected = MEMBER_EMPTY,
		.reason = "4 shards",
		.facts = { SAYS("8") },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "wiped between its registration and our memory of it",
		.expected = MEMBER_EMPTY,
		.reason = "4 shards",
		.facts = { SAYS("8") },
		.entry = ENTRY(1) },
	{ .what = "empty, added to pg_dist_node but not activated",
		.expected = MEMBER_NEW,
		.facts = { SAYS("8") },
		.record = { INTENDED("8") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "metadata without an id: a worker that others made",
		.expected = MEMBER_FOREIGN,
		.reason = "group 3",
		.facts = { SAYS("8"), .databases = { { .group = 3, .nodes = 4 } } } },
	{ .what = "metadata without an id: a coordinator that others made",
		.expected = MEMBER_FOREIGN,
		.reason = "2 tables",
		.facts = { SAYS("8"), .databases = { { .nodes = 4, .tables = 2 } } } },
	{ .what = "metadata without an id under a member's name",
		.expected = MEMBER_FOREIGN,
		.reason = "no cluster id",
		.facts = { SAYS("8"), .databases = { { .nodes = 1 } } },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "orphaned shards alone",
		.expected = MEMBER_FOREIGN,
		.reason = "no cluster id",
		.facts = { SAYS("8"), .databases = { { .shards = 1 } } } },

	/* Another's. */
	{ .what = "another cluster's",
		.expected = MEMBER_FOREIGN,
		.reason = OTHER_ID,
		.facts = { SAYS("7"), .cluster_id = OTHER_ID, .name = "citus-1" } },
	{ .what = "another cluster's, with the identifier that is remembered",
		.expected = MEMBER_FOREIGN,
		.reason = OTHER_ID,
		.facts = { SAYS("7"), .cluster_id = OTHER_ID, .name = "citus-1" },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "a cluster's, and the coordinator is empty",
		.expected = MEMBER_FOREIGN,
		.reason = "this coordinator to none",
		.no_cluster = true,
		.facts = { IS_CITUS_1("7") } },
	{ .what = "another node's directory",
		.expected = MEMBER_FOREIGN,
		.reason = "that of citus-2",
		.facts = { SAYS("7"), .cluster_id = OUR_ID, .name = "citus-2" },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "stamped, but no intent is remembered",
		.expected = MEMBER_FOREIGN,
		.reason = "but none is remembered",
		.facts = { IS_CITUS_1("7") } },
	{ .what = "stamped, the intent was written over",
		.expected = MEMBER_FOREIGN,
		.reason = "but 8 is remembered",
		.facts = { IS_CITUS_1("7") },
		.record = { INTENDED("8") } },
	{ .what = "stamped, another member's full directory",
		.expected = MEMBER_FOREIGN,
		.reason = "but 8 is remembered",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("8") },
		.entry = ENTRY(1) },
	{ .what = "in another group than in pg_dist_node",
		.expected = MEMBER_FOREIGN,
		.reason = "group 2",
		.facts = { IS_CITUS_1("7"), IN_GROUP(2, MARK) },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "the coordinator's database was made anew, this one is a copy of the old",
		.expected = MEMBER_FOREIGN,
		.reason = "citusdb",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, OLD_MARK) },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "the same, before it is registered",
		.expected = MEMBER_FOREIGN,
		.reason = "citusdb",
		.facts = { IS_CITUS_1("7"), .databases = { { .incarnation = OLD_MARK } } },
		.record = { INTENDED("7") } },
	{ .what = "its database was made anew and filled by others",
		.expected = MEMBER_FOREIGN,
		.reason = "group 0",
		.facts = { IS_CITUS_1("7"), .databases = { { .nodes = 2 } } },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },

	/* Ours. */
	{ .what = "joining",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { INTENDED("7") } },
	{ .what = "joining, killed while it was stamped",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("7") },
		.record = { INTENDED("7") } },
	{ .what = "joining, killed between the inactive add and the activation",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { INTENDED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "joining, looked at just before it was activated",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { INTENDED("7") },
		.entry = ENTRY(1) },
	{ .what = "ours, not yet confirmed",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { INTENDED("7") },
		.entry = ENTRY(1) },
	{ .what = "ours",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "ours, without the mark of its database",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, "") },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "ours, freed",
		.expected = MEMBER_OURS,
		.reason = "in sync",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .active = true, .group = 1 } },
	{ .what = "ours, its metadata cleared by stop_metadata_sync_to_node()",
		.expected = MEMBER_OURS,
		.reason = "cleared",
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .active = true, .group = 1 } },

	/* By hand. */
	{ .what = "disabled",
		.expected = MEMBER_DISABLED,
		.reason = "somebody disabled it",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "disabled before its registration was confirmed",
		.expected = MEMBER_DISABLED,
		.reason = "somebody disabled it",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { INTENDED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "disabled, and its metadata was cleared",
		.expected = MEMBER_DISABLED,
		.reason = "somebody disabled it",
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "disabled, but in another group",
		.expected = MEMBER_FOREIGN,
		.reason = "group 2",
		.facts = { IS_CITUS_1("7"), IN_GROUP(2, MARK) },
		.record = { REGISTERED("7") },
		.entry = { .present = true, .group = 1 } },
	{ .what = "removed",
		.expected = MEMBER_REMOVED,
		.reason = "any more",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") } },
	{ .what = "somebody changed its host in pg_dist_node",
		.expected = MEMBER_MISPLACED,
		.reason = "its group 5 is db-5:5432 in pg_dist_node",
		.facts = { IS_CITUS_1("7"), IN_GROUP(5, MARK) },
		.record = { REGISTERED("7") } },
	{ .what = "removed before its registration was confirmed",
		.expected = MEMBER_REMOVED,
		.reason = "any more",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { INTENDED("7") } },
	{ .what = "removed, and an older copy of it",
		.expected = MEMBER_REMOVED,
		.reason = "any more",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), EPOCH(5, "e") } },
	{ .what = "removed, and Citus was dropped and created again in its database",
		.expected = MEMBER_REMOVED,
		.reason = "any more",
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { REGISTERED("7") } },
	{ .what = "removed, and its database was made anew: nothing is on it",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("7") },
		.record = { REGISTERED("7") } },
	{ .what = "its database is not the member's, and Citus knows neither",
		.expected = MEMBER_FOREIGN,
		.reason = "group 0",
		.facts = { IS_CITUS_1("7"), .databases = { { .nodes = 2 } } },
		.record = { REGISTERED("7") } },
	{ .what = "stamped to be brought back, then the member was removed",
		.expected = MEMBER_JOINING,
		.facts = { IS_CITUS_1("8"), MARKED },
		.record = { REGISTERED("7"), .successor = "8" } },
	{ .what = "being brought back, activated already, then the member was removed",
		.expected = MEMBER_REMOVED,
		.reason = "any more",
		.facts = { IS_CITUS_1("8"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), .successor = "8" } },
	{ .what = "the coordinator's database was made anew, and so has no nodes",
		.expected = MEMBER_FOREIGN,
		.reason = "citusdb",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, OLD_MARK) },
		.record = { REGISTERED("7") } },

	/* Empty again. */
	{ .what = "its database was dropped and made again",
		.expected = MEMBER_EMPTY,
		.reason = "dropped",
		.facts = { IS_CITUS_1("7") },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "the same between its registration and our memory of it",
		.expected = MEMBER_EMPTY,
		.reason = "dropped",
		.facts = { IS_CITUS_1("7") },
		.record = { INTENDED("7") },
		.entry = ENTRY(1) },
	{ .what = "being brought back, stamped",
		.expected = MEMBER_EMPTY,
		.reason = "brought back",
		.facts = { IS_CITUS_1("8"), MARKED },
		.record = { REGISTERED("7"), .successor = "8" },
		.entry = ENTRY(1) },
	{ .what = "being brought back, activated already",
		.expected = MEMBER_EMPTY,
		.reason = "brought back",
		.facts = { IS_CITUS_1("8"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), .successor = "8" },
		.entry = ENTRY(1) },
	{ .what = "being brought back into the same directory, its database was made anew",
		.expected = MEMBER_EMPTY,
		.reason = "brought back",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), .successor = "7" },
		.entry = ENTRY(1) },
	{ .what = "wiped once more while it was brought back",
		.expected = MEMBER_EMPTY,
		.reason = "4 shards",
		.facts = { SAYS("9") },
		.record = { REGISTERED("7"), .successor = "8" },
		.entry = ENTRY(1) },
	{ .what = "stamped for a successor that was then another",
		.expected = MEMBER_FOREIGN,
		.reason = "but 7 is remembered",
		.facts = { IS_CITUS_1("9"), MARKED },
		.record = { REGISTERED("7"), .successor = "8" },
		.entry = ENTRY(1) },

	/* Known by what it shows before it lets anybody in. */
	{ .what = "a member whose server has started",
		.expected = MEMBER_RETURNING,
		.facts = { SHOWS("7"), EPOCH(5, "e") },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "a member that is registered under another host",
		.expected = MEMBER_MISPLACED,
		.reason = "it is registered as old-1:5432, and this set has it at db-1:5432",
		.facts = { SHOWS("7"), EPOCH(5, "e") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .address = { "old-1", 5432 } },
		.entry = ENTRY(1) },
	{ .what = "an empty directory that is to take its place",
		.expected = MEMBER_RETURNING,
		.facts = { SHOWS("8") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .successor = "8" },
		.entry = ENTRY(1) },
	{ .what = "an older copy of it",
		.expected = MEMBER_OLDER,
		.reason = "epoch 4",
		.facts = { SHOWS("7"), EPOCH(4, "d") },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "another directory under its name",
		.expected = MEMBER_FOREIGN,
		.reason = "but 7 is remembered",
		.facts = { SHOWS("9") },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "a directory that was written off",
		.expected = MEMBER_SUPERSEDED,
		.reason = "was lost and replaced",
		.facts = { SHOWS("99") },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "the lost directory comes back before its successor has taken its place",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), .successor = "8" },
		.entry = ENTRY(1) },

	/* Refused by its identifier. */
	{ .what = "an earlier epoch than it was seen in",
		.expected = MEMBER_OLDER,
		.reason = "it is in epoch 4, and the coordinator has seen it in epoch 5",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK), EPOCH(4, "d") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .next_epoch = "f" },
		.entry = ENTRY(1) },
	{ .what = "before its first epoch, and it was seen in a later one",
		.expected = MEMBER_OLDER,
		.reason = "it is in epoch 0",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7"), EPOCH(1, "a") },
		.entry = ENTRY(1) },
	{ .what = "two copies that both went on",
		.expected = MEMBER_OLDER,
		.reason = "it is in another epoch 5",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK), EPOCH(5, "x") },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "in the epoch that it was seen in, another one is noted",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK), EPOCH(5, "e") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .next_epoch = "f" },
		.entry = ENTRY(1) },
	{ .what = "in the epoch that is noted and not confirmed",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK), EPOCH(6, "f") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .next_epoch = "f" },
		.entry = ENTRY(1) },
	{ .what = "in a later epoch: it is the coordinator that is older",
		.expected = MEMBER_OURS,
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK), EPOCH(6, "x") },
		.record = { REGISTERED("7"), EPOCH(5, "e"), .next_epoch = "f" },
		.entry = ENTRY(1) },
	{ .what = "older, and from before the coordinator's database was made anew",
		.expected = MEMBER_OLDER,
		.reason = "older copy",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, OLD_MARK), EPOCH(4, "d") },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "older, from before it was registered",
		.expected = MEMBER_OLDER,
		.reason = "older copy",
		.facts = { IS_CITUS_1("7"), MARKED },
		.record = { REGISTERED("7"), EPOCH(5, "e") },
		.entry = ENTRY(1) },
	{ .what = "another directory than the one that was removed",
		.expected = MEMBER_FOREIGN,
		.reason = "but 7 is remembered",
		.facts = { IS_CITUS_1("8"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") } },
	{ .what = "a directory that was written off",
		.expected = MEMBER_SUPERSEDED,
		.reason = "99",
		.facts = { IS_CITUS_1("99"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1) },
	{ .what = "a directory that was written off, under another name",
		.expected = MEMBER_SUPERSEDED,
		.reason = "99",
		.facts = { SAYS("99"), .cluster_id = OUR_ID, .name = "citus-2" } },
	{ .what = "a twin, though all else is right",
		.expected = MEMBER_TWIN,
		.reason = "that of citus-2",
		.facts = { IS_CITUS_1("7"), IN_GROUP(1, MARK) },
		.record = { REGISTERED("7") },
		.entry = ENTRY(1),
		.twin = "citus-2" },
	{ .what = "a twin of a directory that was written off",
		.expected = MEMBER_TWIN,
		.reason = "that of citus-2",
		.facts = { IS_CITUS_1("99") },
		.twin = "citus-2" },
	{ .what = "two that are empty, and copies of each other",
		.expected = MEMBER_TWIN,
		.reason = "that of citus-2",
		.facts = { SAYS("7") },
		.twin = "citus-2" },
};

/* Gives the facts of a look that answered a fitting node, as all but the cases on fitness have. */
static struct member_facts with_fitness(struct member_facts facts, const struct fitness *fitness)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		facts.databases[i].fitness = *fitness;
	return facts;
}

static struct cluster_facts cluster_of(bool none)
{
	struct cluster_facts cluster = { .superseded = written_off,
		.superseded_count = ARRAY_LEN(written_off),
		.strangers = strangers,
		.stranger_count = ARRAY_LEN(strangers),
		.formed = !none,
		.here = { "db-0", 5432 },
		.entered = true,
		.system_identifier = "1" };

	for (int i = 0; i < MANAGED_COUNT; i++) {
		cluster.databases[i].fitness = fit;
		if (!none)
			memcpy(cluster.databases[i].incarnation, MARK, sizeof(MARK));
	}
	if (!none)
		memcpy(cluster.id, OUR_ID, sizeof(OUR_ID));
	return cluster;
}

static enum member_state classify(const struct member_facts *facts,
	const struct member_record *record, const struct member_entry *entries, const char *twin,
	bool no_cluster, char reason[256])
{
	const struct cluster_facts cluster = cluster_of(no_cluster);
	const struct member_case c = { .name = "citus-1",
		.facts = facts,
		.record = record,
		.entries = entries,
		.host = "db-1",
		.twin = twin };

	return classify_worker(&c, &cluster, reason, 256);
}

START_TEST(every_state)
{
	const struct state_case *c = &state_cases[_i];
	const struct member_facts facts = with_fitness(c->facts, &fit);
	char reason[256];

	enum member_state state =
		classify(&facts, &c->record, &c->entry, c->twin, c->no_cluster, reason);
	ck_assert_msg(state == c->expected, "%s: %s, expected %s (%s)", c->what,
		member_state_name(state), member_state_name(c->expected), reason);
	if (c->reason)
		ck_assert_msg(strstr(reason, c->reason) != NULL, "%s: \"%s\"", c->what, reason);
	else
		ck_assert_msg(reason[0] == '\0', "%s: \"%s\"", c->what, reason);
}
END_TEST

START_TEST(no_state_is_without_a_case)
{
	bool seen[MEMBER_STATE_COUNT] = { false };

	for (size_t i = 0; i < ARRAY_LEN(state_cases); i++)
		seen[state_cases[i].expected] = true;
	for (int state = 0; state < MEMBER_STATE_COUNT; state++)
		ck_assert_msg(seen[state], "%s", member_state_name((enum member_state)state));
}
END_TEST

/* What fits, but for one text. */
static const struct fitness_case {
	size_t offset;
	const char *text;
	const char *reason; /* NULL: it fits all the same */
} fitness_cases[] = {
#define BUT(field, text) offsetof(struct fitness, field), text
	{ BUT(citus, "12.1-1"), "its Citus is \"12.1-1\", the coordinator's \"13.2-1\"" },
	{ BUT(encoding, "LATIN1"), "its encoding is \"LATIN1\", the coordinator's \"UTF8\"" },
	{ BUT(provider, "libc"), "its locale provider is \"libc\", the coordinator's \"icu\"" },
	{ BUT(collation, "C/C"),
		"its collation is \"C/C\", the coordinator's \"C.UTF-8/C.UTF-8\"" },
	{ BUT(locale, "en-u-kn-true"), "its locale is \"en-u-kn-true\", the coordinator's \"en\"" },
	{ BUT(rules, ""), "its set of ICU rules is \"\", the coordinator's \"&a < g\"" },
	{ BUT(collation_version, "153.15"),
		"its collation version is \"153.15\", the coordinator's \"153.14\"" },
	{ BUT(icu_version, "153.121"),
		"its ICU's collation version is \"153.121\", the coordinator's \"153.120\"" },
	{ BUT(icu_version, ""),
		"its ICU's collation version is \"\", the coordinator's \"153.120\"" },
	{ BUT(libc_version, "2.41"),
		"its libc's collation version is \"2.41\", the coordinator's \"2.36\"" },
	/* No locale of libc that has a version is installed there. */
	{ BUT(libc_version, ""), NULL },
#undef BUT
};

static void to_be_filled_must_fit(const struct fitness *it, const char *wanted)
{
	const struct {
		struct member_facts facts;
		struct member_record record;
		enum member_state state; /* of one that fits */
	} nodes[] = { { { SAYS("7") }, { INTENDED("7") }, MEMBER_NEW },
		{ { IS_CITUS_1("7") }, { INTENDED("7") }, MEMBER_JOINING },
		{ { SAYS("8") }, { REGISTERED("7") }, MEMBER_EMPTY } };
	const struct member_entry entries[] = { { .present = false }, { .present = false },
		{ .present = true } };

	for (size_t n = 0; n < ARRAY_LEN(nodes); n++) {
		const struct member_facts facts = with_fitness(nodes[n].facts, it);
		char reason[256];
		enum member_state state =
			classify(&facts, &nodes[n].record, &entries[n], NULL, false, reason);
		ck_assert_int_eq(state, wanted ? MEMBER_UNFIT : nodes[n].state);
		if (wanted)
			ck_assert_str_eq(reason, wanted);
	}
}

START_TEST(one_that_is_to_be_filled_must_fit_and_both_sides_are_named)
{
	const struct fitness_case *c = &fitness_cases[_i];
	struct fitness it = fit;

	memcpy((char *)&it + c->offset, c->text, strlen(c->text) + 1);
	to_be_filled_must_fit(&it, c->reason);
}
END_TEST

START_TEST(one_that_is_to_be_filled_must_be_of_the_same_major)
{
	struct fitness it = fit;

	it.server_version = 150021;
	to_be_filled_must_fit(&it, NULL);
	it.server_version = 160010;
	to_be_filled_must_fit(&it, "it runs PostgreSQL 16, the coordinator 15");
}
END_TEST

START_TEST(a_member_that_differs_stays_a_member_and_is_told_of)
{
	const struct member_record record = { REGISTERED("7") };
	const struct member_entry entry = ENTRY(1);
	struct fitness other = fit;
	char reason[256];

	snprintf(other.citus, sizeof(other.citus), "12.1-1");
	const struct member_facts facts =
		with_fitness((struct member_facts){ IS_CITUS_1("7"), IN_GROUP(1, MARK) }, &other);

	ck_assert_int_eq(classify(&facts, &record, &entry, NULL, false, reason), MEMBER_OURS);
	ck_assert_ptr_nonnull(strstr(reason, "12.1-1"));
}
END_TEST

START_TEST(the_longest_texts_are_cut_within_their_bounds)
{
	struct member_facts facts = with_fitness((struct member_facts){ IS_CITUS_1("7") }, &fit);
	const struct member_record record = { .intended = false };
	const struct member_entry entry = { .present = false };
	char reason[256];

	memset(facts.name, 'n', sizeof(facts.name) - 1);
	memset(facts.cluster_id, 'i', sizeof(facts.cluster_id) - 1);
	ck_assert_int_eq(classify(&facts, &record, &entry, NULL, false, reason), MEMBER_FOREIGN);
	ck_assert_uint_lt(strlen(reason), sizeof(reason));
}
END_TEST

/* Two workers, as they tell of their cluster and of their coordinator. */
static const struct coordinator_case {
	const char *what;
	enum member_state expected;
	const char *reason;
	bool no_cluster, not_formed;
	struct address address; /* as it is remembered */
	struct address row;	/* of pg_dist_node */
	struct member_facts workers[2];
	struct member_record records[2];
} coordinator_cases[] = {
	{ .what = "no id yet, a worker of another cluster",
		.expected = MEMBER_NEW,
		.no_cluster = true,
		.workers = { { SAYS("7"), .cluster_id = OTHER_ID }, { SAYS("8") } } },
	{ .what = "nobody has been looked at",
		.expected = MEMBER_UNKNOWN,
		.reason = "citus-1 has not" },
	{ .what = "one has not been looked at",
		.expected = MEMBER_UNKNOWN,
		.reason = "citus-2 has not",
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") } } },
	{ .what = "nobody answers, and there are members",
		.expected = MEMBER_UNKNOWN,
		.reason = "citus-2 does not answer",
		.workers = { { .look = LOOK_SILENT }, { .look = LOOK_REFUSED } },
		.records = { { INTENDED("7") }, { REGISTERED("8"), EPOCH(5, "e") } } },
	{ .what = "nobody answers, and nobody is a member",
		.expected = MEMBER_OURS,
		.workers = { { .look = LOOK_SILENT }, { .look = LOOK_REFUSED } } },
	{ .what = "nobody answers, and the cluster is not formed yet",
		.expected = MEMBER_OURS,
		.not_formed = true,
		.workers = { { .look = LOOK_SILENT }, { .look = LOOK_REFUSED } },
		.records = { { REGISTERED("7") }, { REGISTERED("8") } } },
	{ .what = "one member confirms it, the other is away",
		.expected = MEMBER_OURS,
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") }, { .look = LOOK_SILENT } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "g") } } },
	{ .what = "the only ones that answer are copies: an older one, a lost one",
		.expected = MEMBER_OURS,
		.workers = { { IS_CITUS_1("7"), EPOCH(4, "d") }, { SAYS("9") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "g") } } },
	{ .what = "an older copy of a member confirms nothing",
		.expected = MEMBER_UNKNOWN,
		.reason = "citus-2 does not answer",
		.workers = { { IS_CITUS_1("7"), EPOCH(4, "d") }, { .look = LOOK_HANGING } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "g") } } },
	{ .what = "all is well",
		.expected = MEMBER_OURS,
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") },
			{ IS_CITUS_2("8"), EPOCH(9, "g") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(8, "h"), .next_epoch = "g" } } },
	{ .what = "a member is in a later epoch",
		.expected = MEMBER_OLDER,
		.reason = "it remembers citus-2 in epoch 5, and that is in epoch 6",
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") },
			{ IS_CITUS_2("8"), EPOCH(6, "x") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "f"), .next_epoch = "g" } } },
	{ .what = "a member that was registered after the copy was made",
		.expected = MEMBER_OLDER,
		.reason = "citus-2",
		.workers = { { .look = LOOK_NONE }, { IS_CITUS_2("8"), EPOCH(1, "x") } } },
	{ .what = "a member was in a later epoch, and has gone away since",
		.expected = MEMBER_OLDER,
		.reason = "citus-1",
		.workers = { { .look = LOOK_SILENT,
				     .system_identifier = "7",
				     .cluster_id = OUR_ID,
				     .name = "citus-1",
				     EPOCH(6, "x") },
			{ SAYS("8") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") } } },
	{ .what = "another directory is in a later epoch",
		.expected = MEMBER_OURS,
		.workers = { { IS_CITUS_1("9"), EPOCH(6, "x") },
			{ IS_CITUS_2("8"), EPOCH(5, "e") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "e") } } },
	{ .what = "another cluster's worker is in a later epoch",
		.expected = MEMBER_OURS,
		.workers = { { SAYS("7"), .cluster_id = OTHER_ID, .name = "citus-1",
				     EPOCH(6, "x") },
			{ IS_CITUS_2("8"), EPOCH(5, "e") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") },
			{ REGISTERED("8"), EPOCH(5, "e") } } },
	{ .what = "all belong to another cluster",
		.expected = MEMBER_FOREIGN,
		.reason = OTHER_ID,
		.workers = { { SAYS("7"), .cluster_id = OTHER_ID },
			{ SAYS("8"), .cluster_id = OTHER_ID } } },
	{ .what = "all that answer belong to another cluster",
		.expected = MEMBER_FOREIGN,
		.reason = "citus-2 belongs",
		.workers = { { .look = LOOK_SILENT }, { SAYS("8"), .cluster_id = OTHER_ID } } },
	{ .what = "all that belong to a cluster belong to another",
		.expected = MEMBER_FOREIGN,
		.reason = "citus-2 belongs",
		.workers = { { SAYS("7") }, { SAYS("8"), .cluster_id = OTHER_ID } } },
	{ .what = "one is ours",
		.expected = MEMBER_OURS,
		.workers = { { SAYS("7"), .cluster_id = OTHER_ID }, { IS_CITUS_2("8") } } },
	{ .what = "registered where it is, and its members too",
		.expected = MEMBER_OURS,
		.address = { "db-0", 5432 },
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") }, { SAYS("8") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e"), .address = { "db-1", 5432 } } } },
	{ .what = "registered under another host",
		.expected = MEMBER_MISPLACED,
		.reason = "it is registered as old-0:5432, and this set has it at db-0:5432",
		.address = { "old-0", 5432 },
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") }, { SAYS("8") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") } } },
	{ .what = "registered under another port, and nobody has been looked at",
		.expected = MEMBER_MISPLACED,
		.reason = "it is registered as db-0:6543, and this set has it at db-0:5432",
		.address = { "db-0", 6543 } },
	{ .what = "somebody changed its host in pg_dist_node",
		.expected = MEMBER_OURS,
		.address = { "db-0", 5432 },
		.row = { "old-0", 5432 },
		.workers = { { IS_CITUS_2("7") }, { SAYS("8") } } },
	{ .what = "a member is registered under another host",
		.expected = MEMBER_MISPLACED,
		.reason = "citus-2 is registered as old-2:5432, and this set has it at db-2:5432",
		.address = { "db-0", 5432 },
		.workers = { { IS_CITUS_1("7"), EPOCH(5, "e") }, { .look = LOOK_SILENT } },
		.records = { { REGISTERED("7"), EPOCH(5, "e"), .address = { "db-1", 5432 } },
			{ REGISTERED("8"), .address = { "old-2", 5432 } } } },
	{ .what = "under another host before it was formed",
		.expected = MEMBER_MISPLACED,
		.reason = "old-0:5432",
		.not_formed = true,
		.address = { "old-0", 5432 } },
	{ .what = "under another host, and an older copy",
		.expected = MEMBER_OLDER,
		.reason = "citus-1",
		.address = { "old-0", 5432 },
		.workers = { { IS_CITUS_1("7"), EPOCH(6, "x") }, { SAYS("8") } },
		.records = { { REGISTERED("7"), EPOCH(5, "e") } } },
	{ .what = "all belong to another cluster, and this one has formed nothing yet",
		.expected = MEMBER_OURS,
		.not_formed = true,
		.workers = { { SAYS("7"), .cluster_id = OTHER_ID },
			{ SAYS("8"), .cluster_id = OTHER_ID } } },
};

START_TEST(every_coordinator)
{
	const struct coordinator_case *c = &coordinator_cases[_i];
	const struct member_entry entry = ENTRY(1);
	struct cluster_facts cluster = cluster_of(c->no_cluster);
	const struct member_case workers[] = {
		{ .name = "citus-1",
			.facts = &c->workers[0],
			.record = &c->records[0],
			.entries = &entry,
			.host = "db-1" },
		{ .name = "citus-2",
			.facts = &c->workers[1],
			.record = &c->records[1],
			.entries = &entry,
			.host = "db-2" },
	};
	char reason[256];

	cluster.formed = !c->not_formed;
	cluster.address = c->address;
	cluster.databases[0].address = c->row;
	enum member_state state =
		classify_coordinator(workers, ARRAY_LEN(workers), &cluster, reason, sizeof(reason));
	ck_assert_msg(state == c->expected, "%s: %s, expected %s (%s)", c->what,
		member_state_name(state), member_state_name(c->expected), reason);
	if (c->reason)
		ck_assert_msg(strstr(reason, c->reason) != NULL, "%s: \"%s\"", c->what, reason);
	else
		ck_assert_msg(reason[0] == '\0', "%s: \"%s\"", c->what, reason);
}
END_TEST

START_TEST(a_coordinator_alone_is_itself)
{
	const struct cluster_facts cluster = cluster_of(false);
	char reason[256];

	ck_assert_int_eq(
		classify_coordinator(NULL, 0, &cluster, reason, sizeof(reason)), MEMBER_OURS);
}
END_TEST

Suite *suite_classify(void);
Suite *suite_classify(void)
{
	Suite *suite = suite_create("classify");
	TCase *states = tcase_create("states");
	TCase *coordinator = tcase_create("coordinator");

	tcase_add_loop_test(states, every_state, 0, (int)ARRAY_LEN(state_cases));
	tcase_add_test(states, no_state_is_without_a_case);
	tcase_add_loop_test(states, one_that_is_to_be_filled_must_fit_and_both_sides_are_named, 0,
		(int)ARRAY_LEN(fitness_cases));
	tcase_add_test(states, one_that_is_to_be_filled_must_be_of_the_same_major);
	tcase_add_test(states, a_member_that_differs_stays_a_member_and_is_told_of);
	tcase_add_test(states, the_longest_texts_are_cut_within_their_bounds);
	tcase_add_loop_test(coordinator, every_coordinator, 0, (int)ARRAY_LEN(coordinator_cases));
	tcase_add_test(coordinator, a_coordinator_alone_is_itself);
	suite_add_tcase(suite, states);
	suite_add_tcase(suite, coordinator);
	return suite;
}
