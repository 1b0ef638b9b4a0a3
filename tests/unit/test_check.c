/*
 * citus-init check: the shipped manifests have no errors, and each mistake that
 * a rule is for, made in them by a small edit, is found where it is. Paths start
 * at the top of the repository.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "check/rule.h"
#include "check/rules.h"
#include "check_mistakes.h"
#include "init/control.h"
#include "node/sample_password.h"

enum { FILE_MOST = 1024 * 1024 };

static char *edited(const char *text, const struct edit *edit)
{
	const char *at = strstr(text, edit->old);

	ck_assert_msg(at != NULL, "the manifests have no \"%s\"", edit->old);
	return xasprintf("%.*s%s%s", (int)(at - text), text, edit->new, at + strlen(edit->old));
}

static char *all_edited(char *text, const struct edit *edits, size_t most)
{
	for (size_t i = 0; i < most && edits[i].old; i++) {
		char *next = edited(text, &edits[i]);

		free(text);
		text = next;
	}
	return text;
}

/* The three shipped files as one. */
static char *shipped(void)
{
	static const char *const files[] = { "k8s/sec-citus.yaml", "k8s/ps-citus.yaml",
		"k8s/svc-citus.yaml" };
	char *all = xstrdup("");
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_free_ char *text = NULL;

		ck_assert_msg(file_read(files[i], FILE_MOST, &text, NULL, &e) == 0, "%s", e.msg);
		char *longer = xasprintf("%s%s---\n", all, text);
		free(all);
		all = longer;
	}
	return all;
}

static void find(const char *text, const struct check_options *options, struct findings *findings)
{
	struct manifest m = { 0 };
	struct yaml_problem problem;

	*findings = (struct findings){ 0 };
	if (manifest_add(&m, "x.yaml", text, strlen(text), &problem) < 0)
		check_add_problem("x.yaml", &problem, findings);
	else
		check_manifest(&m, options, findings);
	/* The files' names are the manifest's; no test asks for them. */
	for (size_t i = 0; i < findings->count; i++)
		findings->list[i].file = "x.yaml";
	manifest_fini(&m);
}

/* The names of the rules that found something, each once, in the order of lines. */
static char *rules_of(const struct findings *findings, enum check_level level)
{
	char *names = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&names, &size);
	const char *last = "";

	for (size_t i = 0; i < findings->count; i++) {
		const struct check_rule *r = findings->list[i].rule;

		if (r->level == level && strcmp(r->name, last) != 0)
			fprintf(out, "%s%s", *last ? " " : "", r->name);
		if (r->level == level)
			last = r->name;
	}
	fclose(out);
	return names;
}

static char *messages_of(const struct findings *findings)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < findings->count; i++)
		fprintf(out, "%d:%d: %s: %s\n", findings->list[i].line, findings->list[i].column,
			findings->list[i].rule->name, findings->list[i].message);
	fclose(out);
	return text;
}

static char *line_of(const char *text, int line)
{
	for (; line > 1 && *text; line--)
		text = strchrnul(text, '\n') + 1;
	return xstrndup(text, strcspn(text, "\n"));
}

/* Whether a finding of that rule points to a line that holds words. */
static bool points_to(const struct findings *findings, const char *text, const char *words)
{
	for (size_t i = 0; i < findings->count; i++) {
		_free_ char *line = line_of(text, findings->list[i].line);

		if (findings->list[i].rule->level == CHECK_ERROR && strstr(line, words))
			return true;
	}
	return false;
}

START_TEST(mistakes_are_found)
{
	const struct mistake *m = &mistakes[_i];
	const struct check_options options = { .is_scaling_down = m->is_scaling_down };
	struct findings findings;
	char *text = shipped();

	if (m->is_persistent)
		text = all_edited(text, persistent, ARRAY_LEN(persistent));
	text = all_edited(text, m->edits, EDITS_MOST);
	find(text, &options, &findings);
	_free_ char *errors = rules_of(&findings, CHECK_ERROR);
	_free_ char *warnings = rules_of(&findings, CHECK_WARNING);
	_free_ char *messages = messages_of(&findings);
	const char *wanted = m->warnings ? m->warnings : SAMPLE;
	ck_assert_msg(strcmp(errors, m->errors) == 0, "%s: errors \"%s\", wanted \"%s\"\n%s",
		m->name, errors, m->errors, messages);
	ck_assert_msg(strcmp(warnings, wanted) == 0, "%s: warnings \"%s\", wanted \"%s\"\n%s",
		m->name, warnings, wanted, messages);
	ck_assert_msg(!m->message || strstr(messages, m->message), "%s: no \"%s\" in\n%s", m->name,
		m->message, messages);
	ck_assert_msg(!m->line || points_to(&findings, text, m->line),
		"%s: nothing points to a line with \"%s\":\n%s", m->name, m->line, messages);
	ck_assert_msg(!strstr(messages, "hunter2"), "%s: a password in\n%s", m->name, messages);
	findings_fini(&findings);
	free(text);
}
END_TEST

/* Every rule of the table is the answer to some mistake above. */
START_TEST(every_rule_has_a_mistake)
{
	_free_ char *table = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&table, &size);
	size_t count = 0;

	check_print_markdown(out);
	fclose(out);
	for (const char *at = table; (at = strstr(at, "\n| `")) != NULL; count++) {
		at += 4;
		_free_ char *name = xstrndup(at, strcspn(at, "`"));
		bool is_found = strstr(SAMPLE, name) != NULL;

		for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
			is_found |= strstr(mistakes[i].errors, name) ||
				    (mistakes[i].warnings && strstr(mistakes[i].warnings, name));
		ck_assert_msg(is_found, "no mistake for the rule \"%s\"", name);
	}
	ck_assert_uint_gt(count, 30);
}
END_TEST

START_TEST(liveness_is_more_patient_than_the_watchdog)
{
	ck_assert_int_gt(LIVENESS_LEAST_S * 1000, CONTROL_SILENCE_MS + CONTROL_BEAT_MS);
}
END_TEST

/* The sample password */

START_TEST(settings_with_the_sample_password_are_named)
{
	static const struct {
		const char *passwords[3];
		const char *names;
	} cases[] = {
		{ { "SUPERPASS=x", "ADMINPASS=y", "REPPASS=z" }, "" },
		{ { "SUPERPASS=atomic", "ADMINPASS=y", "REPPASS=atomic" }, "SUPERPASS, REPPASS" },
		{ { "SUPERPASS=atomic1", "ADMINPASS=atomic", "REPPASS=Atomic" }, "ADMINPASS" },
	};
	char *environment[] = { (char *)"POD_GROUP=citus", (char *)"SET_SIZE=3",
		(char *)cases[_i].passwords[0], (char *)cases[_i].passwords[1],
		(char *)cases[_i].passwords[2], NULL };
	struct settings_errors errors;
	struct settings *s = settings_load_given(environment, "x.ini", NULL, &errors);
	char names[64];

	ck_assert_uint_eq(errors.count, 0);
	sample_password_list(s, names, sizeof(names));
	ck_assert_str_eq(names, cases[_i].names);
	settings_free(s);
}
END_TEST

Suite *suite_check(void);

Suite *suite_check(void)
{
	Suite *s = suite_create("check");
	TCase *c = tcase_create("rules");

	tcase_add_loop_test(c, mistakes_are_found, 0, ARRAY_LEN(mistakes));
	tcase_add_test(c, every_rule_has_a_mistake);
	tcase_add_test(c, liveness_is_more_patient_than_the_watchdog);
	tcase_add_loop_test(c, settings_with_the_sample_password_are_named, 0, 3);
	suite_add_tcase(s, c);
	return s;
}
