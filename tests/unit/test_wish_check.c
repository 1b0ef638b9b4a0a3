/*
 * What the operator's wishes meet in /status: what suits the cluster, what is
 * shown before something is destroyed, and which token stands for it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/wish_check.h"
#include "views.h"

#define OTHER "00000000-0000-4000-8000-00000000000a"

static void unformed(struct views *v)
{
	v->cluster.formed = false;
	v->cluster.id[0] = '\0';
}

/* An empty coordinator: citus-1 belongs to another cluster, citus-2 does not answer. */
static void lost_coordinator(struct views *v)
{
	unformed(v);
	v->members[1].state = MEMBER_FOREIGN;
	snprintf(v->members[1].cluster_id, sizeof(v->members[1].cluster_id), OTHER);
	snprintf(
		v->members[1].reason, sizeof(v->members[1].reason), "it belongs to cluster " OTHER);
	snprintf(v->members[1].system_identifier, sizeof(v->members[1].system_identifier),
		"7000000000000000001");
}

static void lost_coordinator_of_two(struct views *v)
{
	lost_coordinator(v);
	v->members[2] = v->members[1];
	snprintf(v->members[2].name, sizeof(v->members[2].name), "citus-2");
}

/* The same name, on another directory. */
static void lost_coordinator_of_another_directory(struct views *v)
{
	lost_coordinator(v);
	snprintf(v->members[1].system_identifier, sizeof(v->members[1].system_identifier),
		"7000000000000000002");
}

/* It answers no more; what it said last stands. */
static void of_another_cluster_and_silent(struct views *v)
{
	lost_coordinator(v);
	v->members[1].state = MEMBER_UNREACHABLE;
	v->members[1].reachable = false;
}

static void one_is_of_another_cluster(struct views *v)
{
	lost_coordinator(v);
}

static void one_is_locked(struct views *v)
{
	unformed(v);
	v->members[1].state = MEMBER_LOCKED;
}

static void one_is_unknown(struct views *v)
{
	unformed(v);
	v->members[1].state = MEMBER_UNKNOWN;
}

static void one_is_new(struct views *v)
{
	unformed(v);
	v->members[1].state = MEMBER_NEW;
}

static void two_in_another_order(struct views *v)
{
	lost_coordinator_of_two(v);
	struct member first = v->members[1];
	v->members[1] = v->members[2];
	v->members[2] = first;
}

static void wiped(struct views *v)
{
	v->members[1].state = MEMBER_EMPTY;
	snprintf(v->members[1].loss, sizeof(v->members[1].loss), "12 shards of 3 tables");
	snprintf(v->members[1].loss_token, sizeof(v->members[1].loss_token), "0123456789abcdef");
}

static void wiped_without_loss(struct views *v)
{
	v->members[1].state = MEMBER_EMPTY;
}

/* form --without */

static const struct {
	const char *list;
	void (*make)(struct views *v);
	enum exit_code code;
	const char *told; /* the names, or part of why not */
} without_cases[] = {
	{ "1", one_is_new, EXIT_OK, "citus-1" },
	{ "2", unformed, EXIT_OK, "citus-2" },
	{ "2,1", one_is_new, EXIT_OK, "citus-2,citus-1" },
	{ "1", one_is_of_another_cluster, EXIT_UNSUITABLE, "citus-1 belongs to cluster " OTHER },
	{ "2,1", one_is_of_another_cluster, EXIT_UNSUITABLE, "citus-1 belongs to cluster " OTHER },
	{ "1", of_another_cluster_and_silent, EXIT_UNSUITABLE, "form --abandon " OTHER },
	{ "1", one_is_locked, EXIT_UNSUITABLE, "citus-1 is locked" },
	{ "1", one_is_unknown, EXIT_UNSUITABLE, "only a worker that is silent or new" },
	{ "1", unformed, EXIT_UNSUITABLE, "citus-1 is ours" },
	{ "0", unformed, EXIT_USAGE, "ordinal 0 is the coordinator" },
	{ "1,0", one_is_new, EXIT_USAGE, "ordinal 0 is the coordinator" },
	{ "3", unformed, EXIT_USAGE, "there is no worker 3: SET_SIZE is 3" },
	{ "99999999999999999999", unformed, EXIT_USAGE, "there is no worker" },
	{ "", unformed, EXIT_USAGE, "\"\" is not a list of ordinals" },
	{ "1,", one_is_new, EXIT_USAGE, "\"1,\" is not a list of ordinals" },
	{ ",1", unformed, EXIT_USAGE, "not a list" },
	{ "1 2", unformed, EXIT_USAGE, "not a list" },
	{ "-1", unformed, EXIT_USAGE, "not a list" },
	{ "citus-1", unformed, EXIT_USAGE, "not a list" },
	{ "1", NULL, EXIT_UNSUITABLE, "the cluster is already formed" },
	{ "1", views_be_of_a_worker, EXIT_UNSUITABLE, "is not the coordinator" },
};

START_TEST(form_without)
{
	json_t *status = views_status(without_cases[_i].make);
	_free_ char *names = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(wish_check_without(status, without_cases[_i].list, &names, &e),
		without_cases[_i].code);
	if (without_cases[_i].code == EXIT_OK)
		ck_assert_str_eq(names, without_cases[_i].told);
	else
		ck_assert_msg(strstr(e.msg, without_cases[_i].told), "%s", e.msg);
	json_decref(status);
}
END_TEST

/* form --abandon and accept-loss */

struct answer {
	enum exit_code code;
	char *text;
	char *id;
	char *workers;
	struct err e;
};

static void answer_fini(struct answer *a)
{
	free(a->text);
	free(a->id);
	free(a->workers);
}

static struct answer abandon(void (*make)(struct views *v), const char *id, const char *confirm)
{
	struct answer a = { 0 };
	size_t size = 0;
	json_t *status = views_status(make);
	FILE *out = open_memstream(&a.text, &size);

	a.code = wish_check_abandon(status, id, confirm, out, &a.id, &a.workers, &a.e);
	fclose(out);
	json_decref(status);
	return a;
}

static struct answer accept_loss(
	void (*make)(struct views *v), const char *node, const char *confirm)
{
	struct answer a = { 0 };
	size_t size = 0;
	json_t *status = views_status(make);
	FILE *out = open_memstream(&a.text, &size);

	a.code = wish_check_accept_loss(status, node, confirm, out, &a.e);
	fclose(out);
	json_decref(status);
	return a;
}

static void assert_says(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

/* The token is the last word. */
static char *token_in(const char *text)
{
	const char *confirm = strstr(text, "--confirm ");

	ck_assert_ptr_nonnull(confirm);
	confirm += strlen("--confirm ");
	return xstrndup(confirm, strcspn(confirm, "\n"));
}

START_TEST(abandon_shows_what_is_lost_and_does_it_when_confirmed)
{
	struct answer first = abandon(lost_coordinator, OTHER, NULL);

	ck_assert_int_eq(first.code, EXIT_UNCONFIRMED);
	ck_assert_ptr_null(first.id);
	assert_says(first.text, "  citus-1 (foreign): it belongs to "
				"cluster " OTHER "\n");
	assert_says(first.text, "keep their data:\n  citus-2 (unreachable)");
	assert_says(first.text, "data.abandoned." OTHER);
	_free_ char *token = token_in(first.text);
	ck_assert_uint_eq(strlen(token), 16);
	ck_assert_uint_eq(strspn(token, "0123456789abcdef"), 16);

	struct answer wrong = abandon(lost_coordinator, OTHER, "0123456789abcdef");
	ck_assert_int_eq(wrong.code, EXIT_UNCONFIRMED);
	assert_says(wrong.e.msg, "another list");
	assert_says(wrong.text, token);

	/* As the workers write it, in whatever case the operator does. */
	struct answer second =
		abandon(lost_coordinator, "00000000-0000-4000-8000-00000000000A", token);
	ck_assert_int_eq(second.code, EXIT_OK);
	ck_assert_str_eq(second.id, OTHER);
	ck_assert_str_eq(second.workers, "citus-1=7000000000000000001");
	ck_assert_str_eq(second.text, "");
	answer_fini(&first);
	answer_fini(&wrong);
	answer_fini(&second);
}
END_TEST

START_TEST(the_token_of_abandon_stands_for_the_list)
{
	struct answer one = abandon(lost_coordinator, OTHER, NULL);
	struct answer two = abandon(lost_coordinator_of_two, OTHER, NULL);
	struct answer other = abandon(lost_coordinator_of_another_directory, OTHER, NULL);
	_free_ char *of_other = token_in(other.text);
	struct answer swapped = abandon(two_in_another_order, OTHER, NULL);
	_free_ char *of_one = token_in(one.text);
	_free_ char *of_two = token_in(two.text);
	_free_ char *of_swapped = token_in(swapped.text);

	ck_assert_str_ne(of_one, of_two);
	ck_assert_str_ne(of_one, of_other);
	ck_assert_str_eq(of_two, of_swapped);
	/* sha256sum of the id and the list, a line each: the token is the same in every version. */
	ck_assert_str_eq(of_one, "4a9c29e38bc98b66");
	answer_fini(&other);
	answer_fini(&one);
	answer_fini(&two);
	answer_fini(&swapped);
}
END_TEST

static const struct {
	void (*make)(struct views *v);
	const char *id;
	const char *why;
} not_to_abandon[] = {
	{ NULL, OTHER, "this coordinator belongs to cluster 4c1c0b8e-" },
	{ unformed, OTHER, "no worker says that it belongs to cluster \"" OTHER "\"" },
	{ lost_coordinator, "x", "no worker says that it belongs to cluster \"x\"" },
	{ lost_coordinator, "", "no worker says" },
	{ views_be_of_a_worker, OTHER, "is not the coordinator" },
};

START_TEST(abandon_is_refused)
{
	struct answer a = abandon(not_to_abandon[_i].make, not_to_abandon[_i].id, NULL);

	ck_assert_int_eq(a.code, EXIT_UNSUITABLE);
	assert_says(a.e.msg, not_to_abandon[_i].why);
	ck_assert_str_eq(a.text, "");
	answer_fini(&a);
}
END_TEST

START_TEST(accept_loss_shows_what_is_lost_and_does_it_when_confirmed)
{
	struct answer first = accept_loss(wiped, "citus-1", NULL);

	ck_assert_int_eq(first.code, EXIT_UNCONFIRMED);
	assert_says(
		first.text, "Lost with the former directory of citus-1: 12 shards of 3 tables.");
	assert_says(first.text, "citus-init accept-loss citus-1 --confirm 0123456789abcdef\n");

	struct answer wrong = accept_loss(wiped, "citus-1", "0123456789abcdee");
	ck_assert_int_eq(wrong.code, EXIT_UNCONFIRMED);
	assert_says(wrong.e.msg, "another loss");
	assert_says(wrong.text, "12 shards");

	struct answer second = accept_loss(wiped, "citus-1", "0123456789abcdef");
	ck_assert_int_eq(second.code, EXIT_OK);
	ck_assert_str_eq(second.text, "");
	answer_fini(&first);
	answer_fini(&wrong);
	answer_fini(&second);
}
END_TEST

static const struct {
	void (*make)(struct views *v);
	const char *node;
	const char *confirm;
	const char *why;
} no_loss[] = {
	{ NULL, "citus-1", NULL, "citus-1 is not empty (it is ours)" },
	{ NULL, "citus-2", "0123456789abcdef", "citus-2 is not empty (it is unreachable)" },
	{ wiped_without_loss, "citus-1", NULL, "it is brought back automatically" },
	{ wiped_without_loss, "citus-1", "", "it is brought back automatically" },
	{ wiped, "citus-7", NULL,
		"there is no node \"citus-7\"; the nodes are citus-0, citus-1, citus-2" },
	{ wiped, "", NULL, "there is no node \"\"" },
	{ views_be_of_a_worker, "citus-1", NULL, "is not the coordinator" },
};

START_TEST(accept_loss_is_refused)
{
	struct answer a = accept_loss(no_loss[_i].make, no_loss[_i].node, no_loss[_i].confirm);

	ck_assert_int_eq(a.code, EXIT_UNSUITABLE);
	assert_says(a.e.msg, no_loss[_i].why);
	ck_assert_str_eq(a.text, "");
	answer_fini(&a);
}
END_TEST

/* adopt */

static void misplaced(struct views *v)
{
	v->members[0].state = MEMBER_MISPLACED;
	snprintf(v->members[0].move, sizeof(v->members[0].move), "old-0:5432 -> db-0:5432");
	snprintf(v->members[1].move, sizeof(v->members[1].move), "old-1:5432 -> db-1:5432");
	snprintf(v->cluster.adoption_token, sizeof(v->cluster.adoption_token), "0123456789abcdef");
}

static void misplaced_and_hindered(struct views *v)
{
	misplaced(v);
	snprintf(v->cluster.adoption_hindrance, sizeof(v->cluster.adoption_hindrance),
		"citus-1 does not answer");
}

static struct answer adopt(void (*make)(struct views *v), bool as_new, const char *confirm)
{
	json_t *status = views_status(make);
	struct answer a = { .text = NULL };
	_free_ char *token = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&a.text, &size);

	a.code = wish_check_adopt(status, as_new, confirm, out, &token, &a.e);
	fclose(out);
	/* What the agent goes by is not what the operator gives. */
	if (a.code == EXIT_OK)
		ck_assert_str_eq(token, "0123456789abcdef");
	json_decref(status);
	return a;
}

START_TEST(adopt_shows_the_addresses_and_does_it_when_confirmed)
{
	static const char *const commands[] = { "citus-init adopt --confirm ",
		"citus-init adopt --as-new-cluster --confirm " };

	for (int as_new = 0; as_new < 2; as_new++) {
		struct answer first = adopt(misplaced, as_new, NULL);
		assert_says(first.text, "citus-1: old-1:5432 -> db-1:5432\n");
		assert_says(first.text, commands[as_new]);
		_free_ char *token = xasprintf(
			"%.16s", strstr(first.text, commands[as_new]) + strlen(commands[as_new]));
		struct answer wrong = adopt(misplaced, as_new, "0123456789abcdee");
		struct answer other = adopt(misplaced, !as_new, token);
		struct answer second = adopt(misplaced, as_new, token);

		ck_assert_int_eq(first.code, EXIT_UNCONFIRMED);
		ck_assert_int_eq(wrong.code, EXIT_UNCONFIRMED);
		ck_assert_int_eq(other.code, EXIT_UNCONFIRMED);
		ck_assert_int_eq(second.code, EXIT_OK);
		free(first.text);
		free(wrong.text);
		free(other.text);
		free(second.text);
	}
}
END_TEST

START_TEST(adopt_is_refused)
{
	struct answer hindered = adopt(misplaced_and_hindered, false, "0123456789abcdef");
	struct answer well = adopt(NULL, false, "0123456789abcdef");

	ck_assert_int_eq(hindered.code, EXIT_UNSUITABLE);
	assert_says(hindered.e.msg, "citus-1 does not answer");
	ck_assert_int_eq(well.code, EXIT_UNSUITABLE);
	assert_says(well.e.msg, "not misplaced");
	free(hindered.text);
	free(well.text);
}
END_TEST

Suite *suite_wish_check(void);

Suite *suite_wish_check(void)
{
	Suite *s = suite_create("wish_check");
	TCase *c = tcase_create("wish_check");

	tcase_add_loop_test(c, form_without, 0, ARRAY_LEN(without_cases));
	tcase_add_test(c, abandon_shows_what_is_lost_and_does_it_when_confirmed);
	tcase_add_test(c, the_token_of_abandon_stands_for_the_list);
	tcase_add_loop_test(c, abandon_is_refused, 0, ARRAY_LEN(not_to_abandon));
	tcase_add_test(c, adopt_shows_the_addresses_and_does_it_when_confirmed);
	tcase_add_test(c, adopt_is_refused);
	tcase_add_test(c, accept_loss_shows_what_is_lost_and_does_it_when_confirmed);
	tcase_add_loop_test(c, accept_loss_is_refused, 0, ARRAY_LEN(no_loss));
	suite_add_tcase(s, c);
	return s;
}
