/* The template language: what each form gives, and where an error is shown. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/template.h"

static const char *variable(const void *ctx, const char *name)
{
	static const char *const values[][2] = {
		{ "name", "citus-1" },
		{ "empty", "" },
		{ "no", "false" },
		{ "yes", "true" },
		{ "quotes", "it's a \\ and\na line" },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (strcmp(values[i][0], name) == 0)
			return values[i][1];
	return NULL;
}

static int count(const void *ctx, const char *list)
{
	(void)ctx;
	return strcmp(list, "peers") == 0 ? 2 : strcmp(list, "none") == 0 ? 0 : -1;
}

static const char *field(const void *ctx, const char *list, int index, const char *name)
{
	(void)ctx;
	(void)list;
	if (strcmp(name, "host") != 0)
		return NULL;
	return index < 0 ? "" : index == 0 ? "a" : "b";
}

static const struct template_values values = {
	.variable = variable, .count = count, .field = field
};

static const struct {
	const char *text;
	const char *result;
} good[] = {
	{ "", "" },
	{ "plain { text } }}\n", "plain { text } }}\n" },
	{ "a={{name}}b", "a=citus-1b" },
	{ "{{ name }}{{name}}", "citus-1citus-1" },
	{ "{{name|quote}} {{ name | quote }}", "'citus-1' 'citus-1'" },
	{ "{{quotes|quote}}", "'it''s a \\\\ and\\012a line'" },
	{ "{{empty}}{{empty|quote}}", "''" },
	{ "{{#if yes}}A{{/if}}{{#if no}}B{{/if}}{{#if empty}}C{{/if}}", "A" },
	{ "{{#if no}}A{{else}}B{{/if}}", "B" },
	{ "{{#if yes}}A{{else}}B{{/if}}", "A" },
	{ "{{#if name == \"citus-1\"}}A{{/if}}{{#if name==\"citus-\"}}B{{/if}}", "A" },
	{ "{{#if name != \"citus-1\"}}A{{else}}B{{/if}}", "B" },
	{ "{{#if empty == \"\"}}A{{/if}}", "A" },
	{ "{{#if yes}}{{#if no}}A{{else}}B{{/if}}{{else}}C{{/if}}", "B" },
	{ "{{#if no}}{{#if yes}}A{{else}}B{{/if}}{{/if}}D", "D" },
	{ "{{#each peers}}{{.host}},{{/each}}", "a,b," },
	{ "{{#each none}}{{.host}},{{/each}}", "" },
	{ "{{#each peers}}{{#if .host == \"b\"}}{{name}} {{.host|quote}}{{/if}}{{/each}}",
		"citus-1 'b'" },
	{ "a{{! a comment\nof two lines }}b", "ab" },
	/* Marks that stand alone leave no line. */
	{ "a\n{{#if yes}}\nb\n{{else}}\nc\n{{/if}}\nd\n", "a\nb\nd\n" },
	{ "a\n  {{! x }}  \nb\n", "a\nb\n" },
	{ "{{#each peers}}\nhost {{.host}}\n{{/each}}\nend", "host a\nhost b\nend" },
	{ "{{! x }}", "" },
	{ "{{! x }}\n", "" },
	{ "a\n{{empty}}\nb\n", "a\n\nb\n" },
	{ "x {{#if yes}}\ny\n{{/if}} z\n", "x \ny\n z\n" },
};

START_TEST(expands)
{
	struct err e;
	_free_ char *result = template_expand("t", good[_i].text, &values, &e);

	ck_assert_msg(result != NULL, "%s", e.msg);
	ck_assert_str_eq(result, good[_i].result);
}
END_TEST

static const struct {
	const char *text;
	const char *message; /* the whole of it */
} bad[] = {
	{ "a\nb {{nmae}} c\n", "t:2:5: unknown variable \"nmae\"\nb {{nmae}} c\n    ^" },
	{ "\tx={{nmae}}\n", "t:1:6: unknown variable \"nmae\"\n\tx={{nmae}}\n\t    ^" },
	{ "\xc3\xa4 {{nmae}}", "t:1:5: unknown variable \"nmae\"\n\xc3\xa4 {{nmae}}\n    ^" },
	/* Also where nothing is put out. */
	{ "{{#if no}}{{nmae}}{{/if}}",
		"t:1:13: unknown variable \"nmae\"\n{{#if no}}{{nmae}}{{/if}}\n            ^" },
	{ "{{#each none}}{{.hsot}}{{/each}}",
		"t:1:17: the items of \"none\" have no \"hsot\"\n"
		"{{#each none}}{{.hsot}}{{/each}}\n                ^" },
	{ "{{#each pears}}{{/each}}",
		"t:1:9: unknown list \"pears\"\n{{#each pears}}{{/each}}\n        ^" },
	{ "{{#if nmae}}{{/if}}", "t:1:7: unknown variable \"nmae\"\n{{#if nmae}}{{/if}}\n      ^" },
	{ "{{.host}}", "t:1:3: \".host\" is not inside an {{#each}}\n{{.host}}\n  ^" },
	{ "{{#if yes}}\nx\n", "t:1:1: this {{#if}} has no {{/if}} of its own\n{{#if yes}}\n^" },
	{ "{{#if yes}}{{else}}{{else}}{{/if}}", "t:1:1: this {{#if}} has no {{/if}} of its own\n"
						"{{#if yes}}{{else}}{{else}}{{/if}}\n^" },
	{ "{{#each peers}}{{/if}}",
		"t:1:1: this {{#each}} has no {{/each}} of its own\n{{#each peers}}{{/if}}\n^" },
	{ "x{{/if}}", "t:1:2: there is no block here to end or divide\nx{{/if}}\n ^" },
	{ "{{else}}", "t:1:1: there is no block here to end or divide\n{{else}}\n^" },
	{ "{{name", "t:1:7: expected \"}}\" here\n{{name\n      ^" },
	{ "{{name}", "t:1:7: expected \"}}\" here\n{{name}\n      ^" },
	{ "{{}}", "t:1:3: expected the name of a variable here\n{{}}\n  ^" },
	{ "{{Name}}", "t:1:3: expected the name of a variable here\n{{Name}}\n  ^" },
	{ "{{! x", "t:1:1: the comment does not end: \"}}\" is missing\n{{! x\n^" },
	{ "{{name|upper}}",
		"t:1:8: unknown filter; the only one is \"quote\"\n{{name|upper}}\n       ^" },
	{ "{{#unless x}}",
		"t:1:3: unknown mark; there are #if, else, /if, #each and /each\n{{#unless x}}\n  ^" },
	{ "{{#if name == x}}{{/if}}", "t:1:15: expected a text in double quotes here\n"
				      "{{#if name == x}}{{/if}}\n"
				      "              ^" },
	{ "{{#if name == \"x}}{{/if}}", "t:1:15: expected a text in double quotes here\n"
					"{{#if name == \"x}}{{/if}}\n"
					"              ^" },
	{ "{{#each peers}}{{#each peers}}{{/each}}{{/each}}",
		"t:1:16: an {{#each}} cannot stand inside another\n"
		"{{#each peers}}{{#each peers}}{{/each}}{{/each}}\n               ^" },
};

START_TEST(shows_where_an_error_is)
{
	struct err e;

	ck_assert_ptr_null(template_expand("t", bad[_i].text, &values, &e));
	ck_assert_str_eq(e.msg, bad[_i].message);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

START_TEST(limits_depth)
{
	char *text = NULL;
	size_t size;
	struct err e;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < 40; i++)
		fputs("{{#if yes}}", out);
	for (int i = 0; i < 40; i++)
		fputs("{{/if}}", out);
	fclose(out);
	ck_assert_ptr_null(template_expand("t", text, &values, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "blocks are nested more than 16 deep"));
	free(text);
}
END_TEST

/* A line that is too long to show is not shown. */
START_TEST(does_not_show_long_lines)
{
	_free_ char *text = xasprintf("%0500d{{nmae}}\n", 1);
	struct err e;

	ck_assert_ptr_null(template_expand("t", text, &values, &e));
	ck_assert_str_eq(e.msg, "t:1:503: unknown variable \"nmae\"");
}
END_TEST

Suite *suite_template(void);

Suite *suite_template(void)
{
	Suite *s = suite_create("template");
	TCase *c = tcase_create("template");

	tcase_add_loop_test(c, expands, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, shows_where_an_error_is, 0, ARRAY_LEN(bad));
	tcase_add_test(c, limits_depth);
	tcase_add_test(c, does_not_show_long_lines);
	suite_add_tcase(s, c);
	return s;
}
