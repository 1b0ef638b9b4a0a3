/*
 * Look-ups that need no DNS server: a name of /etc/hosts, and those that are
 * cancelled. The container tests ask a real one.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sql/lookup.h"

#include "base/banned.h"

struct outcome {
	int told;
	bool found;
	bool is_loopback;
};

static void on_done(void *ctx, const char *address, const char *why)
{
	struct outcome *outcome = ctx;

	ck_assert_ptr_nonnull(why);
	outcome->told++;
	outcome->found = address != NULL;
	outcome->is_loopback =
		address && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

START_TEST(a_name_of_the_hosts_file_is_told_once_from_the_loop)
{
	struct event_base *loop = event_base_new();
	struct outcome outcome = { 0 };

	lookup_start(loop, "localhost", on_done, &outcome);
	ck_assert_int_eq(outcome.told, 0);
	event_base_dispatch(loop);
	ck_assert_int_eq(outcome.told, 1);
	ck_assert(outcome.found);
	ck_assert(outcome.is_loopback);
	event_base_free(loop);
}
END_TEST

START_TEST(a_cancelled_one_tells_nothing_and_leaves_nothing)
{
	static const char *const names[] = { "localhost", "no-such-name.invalid" };
	struct event_base *loop = event_base_new();
	struct outcome outcome = { 0 };

	lookup_cancel(lookup_start(loop, names[_i], on_done, &outcome));
	lookup_cancel(NULL);
	/* Ends when no event is left: what was cancelled has freed itself. */
	event_base_dispatch(loop);
	ck_assert_int_eq(outcome.told, 0);
	event_base_free(loop);
}
END_TEST

Suite *suite_lookup(void);
Suite *suite_lookup(void)
{
	Suite *s = suite_create("lookup");
	TCase *tc = tcase_create("lookup");

	tcase_add_test(tc, a_name_of_the_hosts_file_is_told_once_from_the_loop);
	tcase_add_loop_test(tc, a_cancelled_one_tells_nothing_and_leaves_nothing, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
