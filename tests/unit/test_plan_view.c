/* The plan as "citus-init plan" prints it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/plan_view.h"
#include "views.h"

static void paused_by_wish(struct views *v)
{
	v->cluster.paused_by = "wish";
	v->cluster.step = "register";
	snprintf(v->cluster.why, sizeof(v->cluster.why), "they\nare new");
	snprintf(v->cluster.chosen, sizeof(v->cluster.chosen), "citus-3, citus-4");
}

static void paused_by_setting(struct views *v)
{
	v->cluster.paused_by = "setting";
}

static void not_planned(struct views *v)
{
	v->cluster.step = NULL;
	v->cluster.why[0] = '\0';
}

static const struct {
	void (*make)(struct views *v);
	const char *told;
} plans[] = {
	{ NULL, "next    wait\nwhy     waiting for citus-2 (unreachable)\n" },
	{ paused_by_wish, "next    register\nfor     citus-3, citus-4\nwhy     they?are new\n"
			  "paused  \"citus-init pause\", until \"citus-init resume\"\n" },
	{ paused_by_setting, "next    wait\nwhy     waiting for citus-2 (unreachable)\n"
			     "paused  the setting CITUS_INIT_PAUSE\n" },
	{ not_planned, "next    not known yet: the nodes are being looked at\n" },
};

START_TEST(plan_in_words)
{
	json_t *status = views_status(plans[_i].make);
	char *text = NULL;
	size_t size = 0;
	struct err e = { 0 };
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(plan_view_print(status, out, &e), EXIT_OK);
	fclose(out);
	ck_assert_str_eq(text, plans[_i].told);
	free(text);
	json_decref(status);
}
END_TEST

START_TEST(plan_as_json)
{
	json_t *status = views_status(paused_by_wish);
	char *text = NULL;
	size_t size = 0;
	struct err e = { 0 };
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(plan_view_print_json(status, out, &e), EXIT_OK);
	fclose(out);
	json_t *plan = json_loads(text, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(plan, "step")), "register");
	ck_assert_str_eq(json_string_value(json_object_get(plan, "chosen")), "citus-3, citus-4");
	ck_assert_str_eq(json_string_value(json_object_get(plan, "why")), "they\nare new");
	ck_assert_str_eq(json_string_value(json_object_get(plan, "paused_by")), "wish");
	json_decref(plan);
	free(text);
	json_decref(status);

	status = views_status(views_be_of_a_worker);
	ck_assert_int_eq(plan_view_print_json(status, stdout, &e), EXIT_UNSUITABLE);
	ck_assert_int_eq(plan_view_print(status, stdout, &e), EXIT_UNSUITABLE);
	ck_assert_msg(strstr(e.msg, "only ordinal 0 knows") != NULL, "%s", e.msg);
	json_decref(status);
}
END_TEST

Suite *suite_plan_view(void);

Suite *suite_plan_view(void)
{
	Suite *s = suite_create("plan_view");
	TCase *c = tcase_create("plan_view");

	tcase_add_loop_test(c, plan_in_words, 0, ARRAY_LEN(plans));
	tcase_add_test(c, plan_as_json);
	suite_add_tcase(s, c);
	return s;
}
