/*
 * YAML that is broken, hostile or merely unusual, and the objects in it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "check/manifest.h"

static const struct broken {
	const char *text;
	int line, column; /* 0: not told */
	const char *why;
} broken[] = {
	{ "a: [1, 2", 2, 1, "expected ',' or ']'" },
	{ "a: b\n  c: d\n", 2, 4, "mapping values are not allowed" },
	{ "a: *nobody\n", 1, 4, "undefined alias" },
	{ "a: b\na: c\n", 2, 1, "given twice" },
	{ "a: &x [*x]\n", 1, 4, "leads back to its anchor" },
	{ "a: &x {b: {c: *x}}\n", 1, 4, "leads back to its anchor" },
	{ "? [a]\n: b\n", 1, 3, "plain text" },
	{ "a: \"x\\0y\"\n", 1, 4, "zero byte" },
	{ "<<: 7\n", 1, 1, "merges something that is not a map" },
	{ "<<: [{a: b}, 7]\n", 1, 1, "merges something that is not a map" },
	{ "a: \xff\n", 0, 0, "at byte 3" },
	{ "a: \x01\n", 0, 0, "at byte 3" },
};

START_TEST(broken_yaml_has_a_place)
{
	const struct broken *b = &broken[_i];
	struct yaml_problem problem;
	struct yaml_trees *trees = yaml_trees_read(b->text, strlen(b->text), &problem);

	ck_assert_ptr_null(trees);
	ck_assert_msg(strstr(problem.e.msg, b->why) != NULL, "%s: %s", b->text, problem.e.msg);
	ck_assert_msg(problem.line == b->line && problem.column == b->column, "%s: %d:%d", b->text,
		problem.line, problem.column);
}
END_TEST

/* Ten aliases of ten aliases, eight times: a hundred million nodes in half a kilobyte. */
START_TEST(aliases_cannot_grow_beyond_bounds)
{
	char *text = NULL;
	size_t size = 0;
	struct yaml_problem problem;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "a0: &a0 x\n");
	for (int i = 1; i <= 8; i++) {
		fprintf(out, "a%d: &a%d [", i, i);
		for (int n = 0; n < 10; n++)
			fprintf(out, "%s*a%d", n ? ", " : "", i - 1);
		fprintf(out, "]\n");
	}
	fclose(out);
	ck_assert_ptr_null(yaml_trees_read(text, size, &problem));
	ck_assert_msg(strstr(problem.e.msg, "expand to too many") != NULL, "%s", problem.e.msg);
	free(text);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
	static const size_t depths[] = { 500, 200 * 1000 };
	const size_t depth = depths[_i];
	_free_ char *text = xcalloc(depth + 1, 1);
	struct yaml_problem problem;

	memset(text, '[', depth);
	ck_assert_ptr_null(yaml_trees_read(text, depth, &problem));
}
END_TEST

static struct yaml_trees *read_yaml(const char *text)
{
	struct yaml_problem problem;
	struct yaml_trees *trees = yaml_trees_read(text, strlen(text), &problem);

	ck_assert_msg(trees != NULL, "%d:%d: %s", problem.line, problem.column, problem.e.msg);
	return trees;
}

START_TEST(yaml_is_read_as_kubernetes_reads_it)
{
	struct yaml_trees *trees =
		read_yaml("base: &b {x: 1, y: two}\n"
			  "own:\n"
			  "  <<: *b\n"
			  "  y: 'three'\n"
			  "list: [~, null, '', on, 0x1F, 1_000, 1.5e3, .5, '7', 1.2.3]\n"
			  "a.b/c: yes\n"
			  "text: |\n"
			  "  first\n"
			  "---\n"
			  "# nothing\n"
			  "---\n"
			  "{\"json\": [1, \"x\"]}\n");
	static const bool strings[] = { 0, 0, 1, 0, 0, 0, 0, 0, 1, 1 };
	const struct tree *root = yaml_trees_root(trees, 0);
	const struct tree *list = tree_get(root, "list");

	ck_assert_uint_eq(yaml_trees_count(trees), 3);
	ck_assert_int_eq(tree_number(root, "own.x", 0), 1);
	ck_assert_str_eq(tree_text(root, "own.y"), "three");
	ck_assert_int_eq(tree_get(root, "own.y")->line, 4);
	ck_assert_uint_eq(tree_count(list), ARRAY_LEN(strings));
	for (size_t i = 0; i < list->count; i++)
		ck_assert_msg(list->entries[i].value->is_string == strings[i], "%zu", i);
	ck_assert_ptr_nonnull(tree_key(root, "a.b/c"));
	ck_assert(tree_get(root, "text")->is_literal);
	ck_assert_ptr_null(tree_get(root, "own.x.deeper"));
	ck_assert_ptr_null(tree_get(root, "nothing.here"));
	ck_assert_ptr_null(tree_text(root, "own"));
	ck_assert_int_eq(tree_number(root, "own.y", 9), 9);
	ck_assert_int_eq(yaml_trees_root(trees, 1)->kind, TREE_NULL);
	ck_assert_uint_eq(tree_count(tree_get(yaml_trees_root(trees, 2), "json")), 2);
	yaml_trees_free(trees);
}
END_TEST

START_TEST(no_document_is_no_error)
{
	static const char *const texts[] = { "", "\n", "# a comment\n", "---\n", "---\n...\n" };
	struct yaml_trees *trees = read_yaml(texts[_i]);

	ck_assert_uint_le(yaml_trees_count(trees), 1);
	yaml_trees_free(trees);
}
END_TEST

START_TEST(items_of_lists_are_objects)
{
	static const char text[] =
		"kind: List\n"
		"items:\n"
		"- {kind: Secret, metadata: {name: a}}\n"
		"- {kind: ConfigMapList, items: [{kind: ConfigMap, metadata: {name: "
		"b, namespace: n}}]}\n";
	struct manifest m = { 0 };
	struct yaml_problem problem;

	ck_assert_int_eq(manifest_add(&m, "x", text, strlen(text), &problem), 0);
	ck_assert_uint_eq(m.count, 2);
	ck_assert_ptr_nonnull(manifest_find(&m, "Secret", "a", "default"));
	ck_assert_ptr_nonnull(manifest_find(&m, "ConfigMap", "b", "n"));
	ck_assert_ptr_null(manifest_find(&m, "ConfigMap", "b", "default"));
	manifest_fini(&m);
}
END_TEST

static const struct {
	const char *encoded;
	const char *value; /* NULL: not valid */
} encodings[] = {
	{ "\"\"", "" }, { "YQ==", "a" }, { "YWI=", "ab" }, { "YWJj", "abc" },
	{ "\"YW\\nJj\"", "abc" }, { "+/+/", "\xfb\xff\xbf" }, { "YQ", NULL }, { "YQ=", NULL },
	{ "Y===", NULL }, { "====", NULL }, { "YQ==YQ==", NULL }, { "YQ=a", NULL },
	{ "Y Q=", NULL }, { "AA==", NULL }, /* a zero byte */
};

START_TEST(secrets_are_decoded)
{
	_free_ char *text = xasprintf(
		"{kind: Secret, metadata: {name: s}, data: {k: %s}}", encodings[_i].encoded);
	struct manifest m = { 0 };
	struct yaml_problem problem;
	const struct tree *at;

	ck_assert_int_eq(manifest_add(&m, "x", text, strlen(text), &problem), 0);
	char *value = manifest_value(&m.objects[0], "k", &at);
	if (encodings[_i].value)
		ck_assert_str_eq(value, encodings[_i].value);
	else
		ck_assert_ptr_null(value);
	secret_free(value);
	manifest_fini(&m);
}
END_TEST

Suite *suite_yaml_tree(void);

Suite *suite_yaml_tree(void)
{
	Suite *s = suite_create("yaml_tree");
	TCase *c = tcase_create("yaml");

	tcase_add_loop_test(c, broken_yaml_has_a_place, 0, ARRAY_LEN(broken));
	tcase_add_test(c, aliases_cannot_grow_beyond_bounds);
	tcase_add_loop_test(c, nesting_has_a_limit, 0, 2);
	tcase_add_test(c, yaml_is_read_as_kubernetes_reads_it);
	tcase_add_loop_test(c, no_document_is_no_error, 0, 5);
	tcase_add_test(c, items_of_lists_are_objects);
	tcase_add_loop_test(c, secrets_are_decoded, 0, ARRAY_LEN(encodings));
	suite_add_tcase(s, c);
	return s;
}
