/* What "citus-init status" shows a person, also of answers that nobody should send. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "cli/clean.h"
#include "cli/status_view.h"
#include "report/status.h"
#include "views.h"

/* What is printed for the JSON; *code is what status_view_print() returned. */
static char *printed(const char *json, int *code, struct err *e)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*code = status_view_print(json, out, e);
	fclose(out);
	return text;
}

static char *printed_view(const struct node_view *view, int *code)
{
	json_t *status = status_of(view);
	char *json = json_dumps(status, 0);
	struct err e = { 0 };
	char *text = printed(json, code, &e);

	ck_assert_msg(*code >= 0, "%s", e.msg);
	free(json);
	json_decref(status);
	return text;
}

START_TEST(a_cluster_with_a_node_that_does_not_answer)
{
	struct views v;
	int code;

	views_make(&v);
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_str_eq(text,
		"cluster 4c1c0b8e-0000-4000-8000-000000000001  formed    coordinator citus-0    "
		"looked 2 s ago\n"
		"NODE     ROLE         HOST           REACHABLE  REGISTERED  VERSION         SHARDS\n"
		"citus-0  coordinator  citus-0.citus  yes        yes         15.20 / 13.2-1       0\n"
		"citus-1  worker       citus-1.citus  yes        yes         15.20 / 13.2-1      16\n"
		"citus-2  worker       citus-2.citus  no         yes         15.20 / 13.2-1      16\n"
		"critical: citus-2 is down since 2026-03-01 14:02 (UTC): could not connect: "
		"Connection refused; DDL, CREATE ROLE, writes to reference tables and the "
		"registration of other nodes are blocked by it, and its 16 shards are out of "
		"reach, until it is back\n");
}
END_TEST

START_TEST(a_healthy_cluster)
{
	struct views v;
	int code;

	views_make(&v);
	v.members[2] = v.members[1];
	v.cluster.waiting_for[0] = '\0';
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_OK);
	ck_assert_ptr_null(strstr(text, ": "));
}
END_TEST

/* What passes by itself, or was wanted, is told, and is no reason to call somebody. */
START_TEST(a_healthy_cluster_that_is_paused)
{
	struct views v;
	int code;

	views_make(&v);
	v.members[2] = v.members[1];
	v.cluster.waiting_for[0] = '\0';
	v.cluster.step = "nothing";
	v.cluster.paused_by = "setting";
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_OK);
	ck_assert_ptr_nonnull(strstr(text, "\ninfo: changes are paused by the setting"));
	v.cluster.step = "register";
	_free_ char *held_up = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_ptr_nonnull(strstr(held_up, "\nwarning: changes are paused by the setting"));
}
END_TEST

/* A warning about the node itself is told, and is no reason to call somebody. */
START_TEST(a_password_that_everybody_knows)
{
	struct views v;
	int code;

	views_make(&v);
	v.members[2] = v.members[1];
	v.cluster.waiting_for[0] = '\0';
	snprintf(v.node.sample_passwords, sizeof(v.node.sample_passwords), "SUPERPASS, REPPASS");
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_OK);
	ck_assert_ptr_nonnull(strstr(text, "\nwarning: SUPERPASS, REPPASS: the password of the "
					   "sample manifests is in use"));
	v.identity.role = ROLE_WORKER;
	v.node.cluster = NULL;
	v.node.group = 2;
	_free_ char *worker = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_OK);
	ck_assert_ptr_nonnull(strstr(worker, "\nwarning: SUPERPASS, REPPASS: "));
}
END_TEST

START_TEST(a_cluster_that_is_not_formed)
{
	struct views v;
	int code;

	views_make(&v);
	v.members[2] = v.members[1];
	v.cluster.formed = false;
	v.cluster.id[0] = '\0';
	v.cluster.waiting_for[0] = '\0';
	v.node.member = false;
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_ptr_nonnull(strstr(text, "cluster -  not formed    coordinator citus-0 "));
	ck_assert_ptr_nonnull(strstr(text, "warning: the cluster is not formed yet\n"));
	ck_assert_ptr_nonnull(strstr(text, "citus-0: not ready: the cluster is not formed\n"));
}
END_TEST

START_TEST(a_worker)
{
	struct views v;
	int code;

	views_make(&v);
	v.identity.role = ROLE_WORKER;
	v.node.cluster = NULL;
	v.node.group = 2;
	_free_ char *text = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_OK);
	ck_assert_str_eq(text, "citus-0  worker  citus-0.citus\n"
			       "postgres ready, version 15.20, restarts 0\n"
			       "citus 13.2-1, group 2, cluster -\n"
			       "set-up done, phase open\n");
	v.node.postgres = POSTGRES_STARTING;
	_free_ char *starting = printed_view(&v.node, &code);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_ptr_nonnull(strstr(starting, "citus-0: not ready: postgres is starting"));
}
END_TEST

static const char *const broken[] = {
	"",
	"{",
	"not JSON",
	"[]",
	"null",
	"{}",
	"{\"node\": 3}",
	"{\"node\": []}",
	"{\"node\": {\"name\": \"\xff\"}}",
	"<html>404</html>",
};

START_TEST(broken_json_is_an_error_in_words)
{
	struct err e = { 0 };
	int code;

	_free_ char *text = printed(broken[_i], &code, &e);
	ck_assert_int_eq(code, -1);
	ck_assert_int_eq(e.kind, ERR_NET);
	ck_assert_msg(strstr(e.msg, "the answer is"), "%s", e.msg);
	for (const char *c = e.msg; *c; c++)
		ck_assert_msg(*c >= ' ' && *c != 0x7f, "%s", e.msg);
	ck_assert_str_eq(text, "");
}
END_TEST

/* Valid JSON with wrong types and missing fields: "-", and something needs attention. */
static const char *const odd[] = {
	"{\"node\": {}}",
	"{\"node\": {}, \"cluster\": {}}",
	"{\"node\": {}, \"cluster\": {\"members\": 3}}",
	"{\"node\": {}, \"cluster\": {\"members\": [1, null, [], {}]}}",
	"{\"node\": {\"name\": {}}, \"cluster\": {\"formed\": \"yes\", \"members\": {\"a\": {}}}}",
	"{\"node\": {\"postgres\": 3, \"setup\": []}, \"cluster\": []}",
	"{\"node\": {}, \"cluster\": {\"members\": [{\"name\": 1e300, \"state\": true}]}}",
	"{\"node\": {\"ready\": true}, \"cluster\": {\"formed\": true}}",
	"{\"node\": {\"ready\": true}, \"conditions\": {}}",
	"{\"node\": {\"ready\": true}, \"conditions\": [7]}",
	"{\"node\": {\"ready\": true}, \"conditions\": [{\"severity\": \"dire\"}]}",
};

START_TEST(odd_json_is_shown_as_far_as_it_goes)
{
	struct err e = { 0 };
	int code;

	_free_ char *text = printed(odd[_i], &code, &e);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_ptr_nonnull(strchr(text, '-'));
}
END_TEST

START_TEST(control_characters_are_not_printed)
{
	struct err e = { 0 };
	int code;

	_free_ char *text = printed(
		"{\"node\": {\"name\": \"a\\u001b[2J\", \"reason\": \"x\\ny\\u009b1m\\u007f\"},"
		" \"cluster\": {\"formed\": true, \"waiting_for\": \"\\u0007\","
		" \"members\": [{\"name\": \"\\u001b]0;t\\u0007\", \"state\": \"foreign\","
		" \"reason\": \"\\r\\u0085\"}]},"
		" \"conditions\": [{\"severity\": \"\\u001b[1m\", \"text\": \"\\r\\u0085x\"}]}",
		&code, &e);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	for (const unsigned char *c = (unsigned char *)text; *c; c++) {
		ck_assert_msg(*c == '\n' || (*c >= ' ' && *c != 0x7f), "byte %d", *c);
		ck_assert_msg(!(c[0] == 0xc2 && c[1] < 0xa0), "C1");
	}
	ck_assert_ptr_nonnull(strstr(text, "a?[2J: not ready: x?y??1m?\n"));
	ck_assert_ptr_nonnull(strstr(text, "?[1m: ???x\n"));
}
END_TEST

START_TEST(columns_are_as_wide_as_characters)
{
	ck_assert_uint_eq(clean_width("n\xc3\xb6"
				      "de"),
		4);
	ck_assert_uint_eq(clean_width(""), 0);
}
END_TEST

START_TEST(a_field_that_is_too_long_is_cut)
{
	char name[2000];
	struct err e = { 0 };
	int code;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	_free_ char *json =
		xasprintf("{\"node\": {}, \"cluster\": {\"members\": [{\"name\": \"%s\"}]}}", name);
	_free_ char *text = printed(json, &code, &e);
	ck_assert_int_eq(code, EXIT_NOT_READY);
	ck_assert_uint_lt(strlen(text), sizeof(name));
}
END_TEST

START_TEST(json_is_ascii_and_indented)
{
	char *text = NULL;
	size_t size = 0;
	struct err e;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(
		status_view_print_json("{\"node\":{\"name\":\"\xc2\x9b\\u001b\"}}", out, &e), 0);
	ck_assert_int_eq(status_view_print_json("{\"node\":", out, &e), -1);
	fclose(out);
	ck_assert_str_eq(text, "{\n  \"node\": {\n    \"name\": \"\\u009B\\u001B\"\n  }\n}\n");
	free(text);
}
END_TEST

Suite *suite_status_view(void);

Suite *suite_status_view(void)
{
	Suite *s = suite_create("status_view");
	TCase *c = tcase_create("views");

	tcase_add_test(c, a_cluster_with_a_node_that_does_not_answer);
	tcase_add_test(c, a_healthy_cluster);
	tcase_add_test(c, a_healthy_cluster_that_is_paused);
	tcase_add_test(c, a_password_that_everybody_knows);
	tcase_add_test(c, a_cluster_that_is_not_formed);
	tcase_add_test(c, a_worker);
	suite_add_tcase(s, c);

	c = tcase_create("answers of strangers");
	tcase_add_loop_test(c, broken_json_is_an_error_in_words, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(c, odd_json_is_shown_as_far_as_it_goes, 0, ARRAY_LEN(odd));
	tcase_add_test(c, control_characters_are_not_printed);
	tcase_add_test(c, columns_are_as_wide_as_characters);
	tcase_add_test(c, a_field_that_is_too_long_is_cut);
	tcase_add_test(c, json_is_ascii_and_indented);
	suite_add_tcase(s, c);
	return s;
}
