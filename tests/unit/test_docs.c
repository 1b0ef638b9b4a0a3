/*
 * Pages and sections that are made from tables of the program say what the
 * tables say. With GOLDEN_UPDATE set they are written instead of compared:
 *
 *   GOLDEN_UPDATE=1 CK_RUN_SUITE=docs build/release/unit
 *
 * A section stands between "<!-- begin: NAME ..." and "<!-- end: NAME". The
 * pages are found from the top of the repository.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/mem.h"
#include "check/rules.h"
#include "init/life.h"
#include "node/server_settings.h"
#include "node/settings.h"
#include "report/metrics.h"
#include "view/member_state.h"
#include "view/plan_step.h"

static void print_exit_codes(FILE *out)
{
	fprintf(out, "| Code | Meaning |\n|---|---|\n");
#define X(name, number, meaning) fprintf(out, "| %d | %s |\n", number, meaning);
	EXIT_CODES(X)
#undef X
}

static void print_life(FILE *out)
{
	fprintf(out, "```mermaid\n");
	life_print_graph(out);
	fprintf(out, "```\n");
}

/* The rungs of the stop, with what is left for each of the default deadline. */
static void print_ladder(FILE *out)
{
	const uint32_t deadline_s = 25;

	fprintf(out, "| State | Share | Of %u s |\n|---|---|---|\n", deadline_s);
	for (int state = LIFE_HUSHING; state < LIFE_OVER; state++) {
		const struct life_trait *trait = &life_traits[state];

		fprintf(out, "| %s | %u %% | %.1f s |\n", trait->name,
			trait->share * 100 / LIFE_WHOLE,
			(double)life_limit_ms((enum life_state)state, deadline_s * 1000) / 1000);
	}
}

enum { PAGE_MAX = 1024 * 1024 };

static const struct {
	const char *page;
	const char *section; /* NULL: the whole page */
	void (*print)(FILE *out);
} parts[] = {
	{ "docs/configuration.md", NULL, settings_print_markdown },
	{ "docs/metrics.md", NULL, metrics_print_markdown },
	{ "docs/operations.md", "exit codes", print_exit_codes },
	{ "docs/operations.md", "ladder", print_ladder },
	{ "docs/operations.md", "settings of PostgreSQL", server_settings_print },
	{ "docs/kubernetes.md", "rules", check_print_markdown },
	{ "docs/architecture.md", "life of PID 1", print_life },
	{ "docs/architecture.md", "states of a member", member_states_print },
	{ "docs/architecture.md", "steps of the plan", plan_steps_print },
};

static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	print(out);
	fclose(out);
	return text;
}

/* The page with its section replaced by text. */
static char *with_section(const char *page, const char *section, const char *text)
{
	_free_ char *begin_mark = xasprintf("<!-- begin: %s", section);
	_free_ char *end_mark = xasprintf("<!-- end: %s", section);
	const char *begin = strstr(page, begin_mark);
	const char *end = strstr(page, end_mark);

	ck_assert_msg(begin && end && begin < end, "no section \"%s\"", section);
	begin = strchr(begin, '\n') + 1;
	return xasprintf("%.*s%s%s", (int)(begin - page), page, text, end);
}

START_TEST(pages_say_what_the_tables_say)
{
	const char *path = parts[_i].page;
	_free_ char *text = printed(parts[_i].print);
	_free_ char *page = NULL;
	struct err e = { 0 };

	int found = file_read(path, PAGE_MAX, &page, NULL, &e);
	ck_assert_msg(found == 0 || (getenv("GOLDEN_UPDATE") && !parts[_i].section), "%s", e.msg);
	_free_ char *wanted =
		parts[_i].section ? with_section(page, parts[_i].section, text) : xstrdup(text);
	if (!getenv("GOLDEN_UPDATE")) {
		ck_assert_msg(strcmp(page, wanted) == 0,
			"%s does not say what its table says: GOLDEN_UPDATE=1 writes it anew",
			path);
		return;
	}
	ck_assert_msg(file_replace(path, wanted, strlen(wanted), 0644, &e) == 0, "%s", e.msg);
}
END_TEST

Suite *suite_docs(void);

Suite *suite_docs(void)
{
	Suite *s = suite_create("docs");
	TCase *c = tcase_create("docs");

	tcase_add_loop_test(c, pages_say_what_the_tables_say, 0, ARRAY_LEN(parts));
	suite_add_tcase(s, c);
	return s;
}
