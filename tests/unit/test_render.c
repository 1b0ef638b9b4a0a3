/*
 * The rendered files against the expected ones in tests/golden/render, for each
 * role and phase. "make golden-update" writes them anew; the tests run from the
 * top of the repository.
 */
#include <check.h>

#include "node/conf.h"
#include "node/render.h"
#include "scratch.h"
#include "settings_made.h"

enum { GOLDEN_MOST = 256 * 1024 };

static const struct {
	const char *name;
	const char *variables[5];
	enum phase phase;
	bool old_minor;
} cases[] = {
	{ "coordinator-local", { "POD_NAME=citus-0" }, PHASE_LOCAL, false },
	{ "coordinator-cluster", { "POD_NAME=citus-0" }, PHASE_CLUSTER, false },
	{ "coordinator-open", { "POD_NAME=citus-0" }, PHASE_OPEN, false },
	{ "worker-local", { "POD_NAME=citus-2" }, PHASE_LOCAL, false },
	{ "worker-cluster", { "POD_NAME=citus-2" }, PHASE_CLUSTER, false },
	{ "worker-open", { "POD_NAME=citus-2" }, PHASE_OPEN, false },
	/* Other settings than the defaults, and a minor that lacks output_plugin_libraries. */
	{ "settings", { "CITUS_INIT_INITDB_LOCALE=de_DE.UTF-8" }, PHASE_OPEN, true },
};

static void compare(const char *directory, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", directory, name);
	_free_ char *expected = NULL;
	struct err e;

	if (getenv("GOLDEN_UPDATE")) {
		ck_assert_int_eq(file_make_directory("tests/golden/render", 0755, &e), 0);
		ck_assert_int_eq(file_make_directory(directory, 0755, &e), 0);
		ck_assert_int_eq(file_replace(path, text, strlen(text), 0644, &e), 0);
	}
	ck_assert_msg(file_read(path, GOLDEN_MOST, &expected, NULL, &e) == 0,
		"%s (\"make golden-update\" writes it)", e.msg);
	ck_assert_msg(strcmp(text, expected) == 0,
		"\"%s\" is not what is rendered now; \"make golden-update\" and \"git diff\" show "
		"the change:\n%s",
		path, text);
}

START_TEST(renders_as_expected)
{
	struct settings *s = settings_made(cases[_i].variables);
	_free_ char *directory = xasprintf("tests/golden/render/%s", cases[_i].name);
	_free_ char *conf = conf_directory_of(settings_text(s, SET_PGDATA));
	struct err e;
	struct identity *id = identity_of(s, "x", NULL, &e);
	struct rendered files;
	const struct render_input input = {
		.settings = s,
		.identity = id,
		.major = 15,
		.has_output_plugin_libraries = !cases[_i].old_minor,
		.conf_directory = conf,
		.phase = cases[_i].phase,
	};

	ck_assert_msg(render_files(&input, &files, &e) == 0, "%s", e.msg);
	for (int i = 0; i < RENDER_FILE_COUNT; i++) {
		ck_assert_ptr_null(strstr(files.text[i], "secret"));
		compare(directory, render_file_names[i], files.text[i]);
	}
	rendered_fini(&files);
	identity_free(id);
	settings_free(s);
}
END_TEST

Suite *suite_render(void);

Suite *suite_render(void)
{
	Suite *s = suite_create("render");
	TCase *c = tcase_create("render");

	tcase_add_loop_test(c, renders_as_expected, 0, ARRAY_LEN(cases));
	suite_add_tcase(s, c);
	return s;
}
