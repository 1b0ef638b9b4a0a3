/* Every state of a worker and every step of the plan, as tables of cases. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent/membership.h"
#include "base/mem.h"

#define OUR_ID	 "11111111-1111-1111-1111-111111111111"
#define OTHER_ID "22222222-2222-2222-2222-222222222222"

static const struct fitness fit = { .server_version = 150020,
	.citus = "13.2-1",
	.encoding = "UTF8",
	.collation = "C.UTF-8/C.UTF-8" };

static const struct fitness other_citus = { .server_version = 150020,
	.citus = "12.1-1",
	.encoding = "UTF8",
	.collation = "C.UTF-8/C.UTF-8" };

static const struct fitness other_major = { .server_version = 160010,
	.citus = "13.2-1",
	.encoding = "UTF8",
	.collation = "C.UTF-8/C.UTF-8" };

static const struct state_case {
	const char *what;
	enum member_state expected;
	const char *reason; /* must be part of the reason; NULL: there must be none */
	bool no_cluster;    /* the coordinator has no id yet */
	struct member_facts facts;
	struct member_record record;
	struct member_entry entry;
} state_cases[] = {
	{ .what = "not looked at", .expected = MEMBER_UNKNOWN },
	{ .what = "silent",
		.expected = MEMBER_UNREACHABLE,
		.reason = "connection refused",
		.facts = { .look = LOOK_SILENT, .problem = "connection refused" } },
	{ .what = "log-in refused",
		.expected = MEMBER_LOCKED,
		.reason = "28P01",
		.facts = { .look = LOOK_REFUSED, .problem = "28P01" } },
	{ .what = "still setting itself up",
		.expected = MEMBER_UNFIT,
		.reason = "not finished",
		.facts = { .look = LOOK_NOT_SET_UP, .problem = "not finished" } },
	{ .what = "empty, before there is a cluster",
		.expected = MEMBER_NEW,
		.no_cluster = true,
		.facts = { .look = LOOK_ANSWERED, .system_identifier = "7" } },
	{ .what = "empty, the cluster exists",
		.expected = MEMBER_NEW,
		.facts = { .look = LOOK_ANSWERED, .system_identifier = "7" } },
	{ .what = "empty, its intent was written for another directory",
		.expected = MEMBER_NEW,
		.facts = { .look = LOOK_ANSWERED, .system_identifier = "8" },
		.record = { .intended = true, .system_identifier = "7" } },
	{ .what = "empty, but a member is remembered",
		.expected = MEMBER_FOREIGN,
		.reason = "4 shards",
		.facts = { .look = LOOK_ANSWERED, .system_identifier = "8" },
		.record = { .intended = true, .registered = true, .system_identifier = "7" },
		.entry = { .present = true, .active = true, .group = 1, .shards = 4 } },
	{ .what = "empty, not remembered, but in pg_dist_node",
		.expected = MEMBER_FOREIGN,
		.reason = "volume",
		.facts = { .look = LOOK_ANSWERED, .system_identifier = "8" },
		.entry = { .present = true, .active = true, .group = 1 } },
	{ .what = "metadata without an id: a worker that others made",
		.expected = MEMBER_FOREIGN,
		.reason = "group 3",
		.facts = { .look = LOOK_ANSWERED, .group = 3, .nodes = 4 } },
	{ .what = "metadata without an id: a coordinator that others made",
		.expected = MEMBER_FOREIGN,
		.reason = "2 tables",
		.facts = { .look = LOOK_ANSWERED, .nodes = 4, .tables = 2 } },
	{ .what = "orphaned shards alone",
		.expected = MEMBER_FOREIGN,
		.reason = "no cluster id",
		.facts = { .look = LOOK_ANSWERED, .shards = 1 } },
	{ .what = "another cluster's",
		.expected = MEMBER_FOREIGN,
		.reason = OTHER_ID,
		.facts = { .look = LOOK_ANSWERED, .cluster_id = OTHER_ID, .name = "citus-1" } },
	{ .what = "a cluster's, and the coordinator is empty",
		.expected = MEMBER_FOREIGN,
		.reason = "this coordinator to none",
		.no_cluster = true,
		.facts = { .look = LOOK_ANSWERED, .cluster_id = OUR_ID, .name = "citus-1" } },
	{ .what = "another node's directory",
		.expected = MEMBER_FOREIGN,
		.reason = "that of citus-2",
		.facts = { .look = LOOK_ANSWERED, .cluster_id = OUR_ID, .name = "citus-2" } },
	{ .what = "stamped, but no intent is remembered",
		.expected = MEMBER_FOREIGN,
		.reason = "remembered is none",
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7" } },
	{ .what = "stamped, another identifier than remembered",
		.expected = MEMBER_FOREIGN,
		.reason = "remembered is 8",
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7" },
		.record = { .intended = true, .system_identifier = "8" } },
	{ .what = "joining",
		.expected = MEMBER_JOINING,
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7" },
		.record = { .intended = true, .system_identifier = "7" } },
	{ .what = "joining, killed between the inactive add and the activation",
		.expected = MEMBER_JOINING,
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7" },
		.record = { .intended = true, .system_identifier = "7" },
		.entry = { .present = true, .active = false, .group = 1 } },
	{ .what = "ours, not yet confirmed",
		.expected = MEMBER_OURS,
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7",
			.group = 1,
			.nodes = 3 },
		.record = { .intended = true, .system_identifier = "7" },
		.entry = { .present = true, .active = true, .group = 1 } },
	{ .what = "ours",
		.expected = MEMBER_OURS,
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7",
			.group = 1,
			.nodes = 3 },
		.record = { .intended = true, .registered = true, .system_identifier = "7" },
		.entry = { .present = true, .active = true, .group = 1 } },
	{ .what = "ours, disabled by hand",
		.expected = MEMBER_OURS,
		.reason = "disabled",
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7",
			.group = 1,
			.nodes = 3 },
		.record = { .intended = true, .registered = true, .system_identifier = "7" },
		.entry = { .present = true, .active = false, .group = 1 } },
	{ .what = "removed earlier",
		.expected = MEMBER_FOREIGN,
		.reason = "group 1",
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7",
			.group = 1,
			.nodes = 3 },
		.record = { .intended = true, .registered = true, .system_identifier = "7" } },
	{ .what = "its citusdb was made anew",
		.expected = MEMBER_FOREIGN,
		.reason = "dropped",
		.facts = { .look = LOOK_ANSWERED,
			.cluster_id = OUR_ID,
			.name = "citus-1",
			.system_identifier = "7" },
		.record = { .intended = true, .registered = true, .system_identifier = "7" },
		.entry = { .present = true, .active = true, .group = 1 } },
};

/* Gives the facts of a look that answered a fitting node, as all but the cases on fitness have. */
static struct member_facts with_fitness(struct member_facts facts, const struct fitness *fitness)
{
	facts.fitness = *fitness;
	return facts;
}

static struct cluster_facts cluster_of(bool none)
{
	struct cluster_facts cluster = { .fitness = fit };

	if (!none)
		snprintf(cluster.id, sizeof(cluster.id), OUR_ID);
	return cluster;
}

START_TEST(every_state)
{
	const struct state_case *c = &state_cases[_i];
	const struct member_facts facts = with_fitness(c->facts, &fit);
	const struct cluster_facts cluster = cluster_of(c->no_cluster);
	char reason[256];

	enum member_state state = member_classify(
		"citus-1", &facts, &c->record, &c->entry, &cluster, reason, sizeof(reason));
	ck_assert_msg(state == c->expected, "%s: %s, expected %s (%s)", c->what,
		member_state_name(state), member_state_name(c->expected), reason);
	if (c->reason)
		ck_assert_msg(strstr(reason, c->reason) != NULL, "%s: \"%s\"", c->what, reason);
	else
		ck_assert_msg(reason[0] == '\0', "%s: \"%s\"", c->what, reason);
}
END_TEST

START_TEST(one_that_does_not_fit_is_refused_with_both_sides_named)
{
	const struct {
		const struct fitness *fitness;
		const char *it, *ours;
	} cases[] = { { &other_citus, "12.1-1", "13.2-1" }, { &other_major, "16", "15" } };
	const struct cluster_facts cluster = cluster_of(false);
	const struct member_record record = { .intended = true, .system_identifier = "7" };
	const struct member_entry entry = { .present = false };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct member_facts empty = with_fitness(
			(struct member_facts){ .look = LOOK_ANSWERED }, cases[i].fitness);
		char reason[256];

		ck_assert_int_eq(member_classify("citus-1", &empty, &record, &entry, &cluster,
					 reason, sizeof(reason)),
			MEMBER_UNFIT);
		ck_assert_ptr_nonnull(strstr(reason, cases[i].it));
		ck_assert_ptr_nonnull(strstr(reason, cases[i].ours));
	}
}
END_TEST

START_TEST(a_member_that_differs_stays_a_member_and_is_told_of)
{
	const struct cluster_facts cluster = cluster_of(false);
	const struct member_record record = {
		.intended = true, .registered = true, .system_identifier = "7"
	};
	const struct member_entry entry = { .present = true, .active = true, .group = 1 };
	const struct member_facts facts = with_fitness((struct member_facts){ .look = LOOK_ANSWERED,
							       .cluster_id = OUR_ID,
							       .name = "citus-1",
							       .system_identifier = "7",
							       .group = 1 },
		&other_citus);
	char reason[256];

	ck_assert_int_eq(member_classify("citus-1", &facts, &record, &entry, &cluster, reason,
				 sizeof(reason)),
		MEMBER_OURS);
	ck_assert_ptr_nonnull(strstr(reason, "12.1-1"));
}
END_TEST

/* Three workers; N new, J joining, O ours and confirmed, o ours not confirmed, F foreign,
 * U unreachable, L locked; lower-case n, j: their back-off has not passed; x: joining, has failed
 * and waits. */
static const struct plan_case {
	const char *workers;
	bool minted, formed, one_by_one;
	enum plan_step expected;
	const char *chosen;  /* 1 and 0 */
	const char *waiting; /* part of it; NULL: nothing */
} plan_cases[] = {
	{ "NNN", false, false, false, PLAN_MINT, "000", NULL },
	{ "", false, false, false, PLAN_MINT, "", NULL },
	{ "NUN", false, false, false, PLAN_WAIT, "000", "citus-2 (unreachable)" },
	{ "NNF", false, false, false, PLAN_WAIT, "000", "citus-3 (foreign)" },
	{ "NLU", false, false, false, PLAN_WAIT, "000", "citus-2 (locked), citus-3 (unreachable)" },
	{ "NNN", true, false, false, PLAN_STAMP, "111", "citus-1 (new)" },
	{ "NnN", true, false, false, PLAN_STAMP, "101", "citus-2" },
	{ "JNJ", true, false, false, PLAN_STAMP, "010", "citus-2 (new)" },
	{ "JJJ", true, false, false, PLAN_REGISTER, "111", "citus-1 (joining)" },
	{ "JJJ", true, false, true, PLAN_REGISTER, "100", "citus-1 (joining)" },
	{ "OJJ", true, false, true, PLAN_REGISTER, "010", "citus-2 (joining)" },
	{ "ooo", true, false, false, PLAN_CONFIRM, "111", NULL },
	{ "oJO", true, false, false, PLAN_CONFIRM, "100", "citus-2" },
	{ "OOO", true, false, false, PLAN_FORM, "000", NULL },
	{ "", true, false, false, PLAN_FORM, "", NULL },
	{ "OOU", true, false, false, PLAN_FORM, "000", "citus-3 (unreachable)" },
	{ "OOj", true, false, false, PLAN_WAIT, "000", "citus-3 (joining)" },
	{ "OOx", true, false, false, PLAN_FORM, "000", "citus-3 (joining)" },
	{ "UUU", true, false, false, PLAN_WAIT, "000", "citus-1" },
	{ "OOO", true, true, false, PLAN_NOTHING, "000", NULL },
	{ "OUO", true, true, false, PLAN_WAIT, "000", "citus-2 (unreachable)" },
	{ "OOJ", true, true, false, PLAN_REGISTER, "001", "citus-3" },
	{ "UON", true, true, false, PLAN_STAMP, "001", "citus-1 (unreachable)" },
	{ "OFO", true, true, false, PLAN_WAIT, "000", "citus-2 (foreign)" },
};

static struct plan_member member_of(char letter, const char *name)
{
	struct plan_member m = { .name = name, .due = true };

	switch (letter) {
	case 'N':
	case 'n': m.state = MEMBER_NEW; break;
	case 'J':
	case 'j':
	case 'x': m.state = MEMBER_JOINING; break;
	case 'O':
	case 'o': m.state = MEMBER_OURS; break;
	case 'F': m.state = MEMBER_FOREIGN; break;
	case 'L': m.state = MEMBER_LOCKED; break;
	default: m.state = MEMBER_UNREACHABLE; break;
	}
	m.due = strchr("njx", letter) == NULL;
	m.failures = letter == 'x';
	m.recorded = letter == 'O';
	return m;
}

START_TEST(every_plan)
{
	static const char *const names[] = { "citus-1", "citus-2", "citus-3" };
	const struct plan_case *c = &plan_cases[_i];
	struct cluster_facts cluster = cluster_of(!c->minted);
	struct plan_member workers[3] = { { .name = NULL } };
	struct plan plan;
	int count = (int)strlen(c->workers);

	cluster.formed = c->formed;
	for (int i = 0; i < count; i++)
		workers[i] = member_of(c->workers[i], names[i]);
	membership_plan(&cluster, workers, count, c->one_by_one, &plan);
	ck_assert_msg(plan.step == c->expected, "%s: %s, expected %s", c->workers,
		plan_step_name(plan.step), plan_step_name(c->expected));
	for (int i = 0; i < count; i++)
		ck_assert_msg(plan.chosen[i] == (c->chosen[i] == '1'), "%s: worker %d", c->workers,
			i + 1);
	if (c->waiting)
		ck_assert_msg(strstr(plan.waiting_for, c->waiting) != NULL, "%s: \"%s\"",
			c->workers, plan.waiting_for);
	else
		ck_assert_msg(
			plan.waiting_for[0] == '\0', "%s: \"%s\"", c->workers, plan.waiting_for);
}
END_TEST

START_TEST(a_long_list_of_names_is_cut_within_its_bounds)
{
	struct plan_member workers[MEMBERS_MAX - 1];
	struct cluster_facts cluster = cluster_of(true);
	struct plan plan;

	for (size_t i = 0; i < ARRAY_LEN(workers); i++)
		workers[i] = member_of('U', "a-name-that-is-not-short-at-all-0123456789");
	membership_plan(&cluster, workers, (int)ARRAY_LEN(workers), false, &plan);
	ck_assert_int_eq(plan.step, PLAN_WAIT);
	ck_assert_uint_lt(strlen(plan.waiting_for), sizeof(plan.waiting_for));
}
END_TEST

Suite *suite_membership(void);
Suite *suite_membership(void)
{
	Suite *suite = suite_create("membership");
	TCase *states = tcase_create("states");
	TCase *plans = tcase_create("plans");

	tcase_add_loop_test(states, every_state, 0, (int)ARRAY_LEN(state_cases));
	tcase_add_test(states, one_that_does_not_fit_is_refused_with_both_sides_named);
	tcase_add_test(states, a_member_that_differs_stays_a_member_and_is_told_of);
	tcase_add_loop_test(plans, every_plan, 0, (int)ARRAY_LEN(plan_cases));
	tcase_add_test(plans, a_long_list_of_names_is_cut_within_its_bounds);
	suite_add_tcase(suite, states);
	suite_add_tcase(suite, plans);
	return suite;
}
