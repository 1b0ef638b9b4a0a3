/* The base layer: errors, files, times, programs. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/phase.h"
#include "base/proc.h"
#include "base/uuid.h"
#include "base/walk.h"
#include "node/capture.h"
#include "scratch.h"

extern char **environ;

START_TEST(errors_are_wrapped_on_the_way_up)
{
	struct err e;

	errno = ENOENT;
	ck_assert_int_eq(err_sys(&e, "could not open \"%s\"", "x"), -1);
	ck_assert_int_eq(e.kind, ERR_SYS);
	ck_assert_int_eq(e.sys, ENOENT);
	ck_assert_str_eq(e.msg, "could not open \"x\": No such file or directory");
	ck_assert_int_eq(err_wrap(&e, "register %s", "citus-1"), -1);
	ck_assert_str_eq(
		e.msg, "register citus-1: could not open \"x\": No such file or directory");
	ck_assert_int_eq(e.kind, ERR_SYS);
}
END_TEST

START_TEST(long_errors_are_cut)
{
	struct err e;

	err_set(&e, ERR_CONFIG, "%02000d", 1);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "%0800d", 1);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
}
END_TEST

START_TEST(every_kind_of_error_has_an_exit_code)
{
	ck_assert_int_eq(exit_code_of(ERR_CONFIG), 78);
	ck_assert_int_eq(exit_code_of(ERR_REFUSED), 65);
	ck_assert_int_eq(exit_code_of(ERR_BUSY), 75);
	for (enum err_kind kind = ERR_USAGE; kind <= ERR_BUG; kind++)
		ck_assert_int_ge(exit_code_of(kind), 64);
}
END_TEST

START_TEST(phases_have_names)
{
	for (enum phase phase = PHASE_LOCAL; phase < PHASE_COUNT; phase++)
		ck_assert_int_eq(phase_of_name(phase_name(phase)), phase);
	ck_assert_int_eq(phase_of_name("ajar"), PHASE_COUNT);
}
END_TEST

START_TEST(back_off_grows_to_its_end)
{
	int64_t delay = 0;

	delay = clock_backoff_ms(delay, 100, 1000);
	ck_assert_int_eq(delay, 100);
	delay = clock_backoff_ms(delay, 100, 1000);
	ck_assert_int_eq(delay, 200);
	for (int i = 0; i < 10; i++)
		delay = clock_backoff_ms(delay, 100, 1000);
	ck_assert_int_eq(delay, 1000);
	for (int i = 0; i < 100; i++) {
		int64_t jitter = clock_jitter_ms(1000);
		ck_assert_int_ge(jitter, 500);
		ck_assert_int_le(jitter, 1000);
	}
}
END_TEST

START_TEST(files_are_replaced_whole)
{
	_free_ char *path = scratch_path("f");
	_free_ char *temporary = scratch_path("f.tmp");
	struct stat st;
	struct err e;

	scratch_write_text("f.tmp", "left behind");
	ck_assert_msg(file_replace(path, "one", 3, 0640, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(file_replace(path, "two", 3, 0600, &e), 0);
	_free_ char *text = scratch_read("f");
	ck_assert_str_eq(text, "two");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_lt(access(temporary, F_OK), 0);
}
END_TEST

START_TEST(files_have_a_limit)
{
	_free_ char *path = scratch_path("f");
	_free_ char *text = NULL;
	size_t length;
	struct err e;

	scratch_write("f", "12\0 5", 5, 0600);
	ck_assert_int_eq(file_read(path, 5, &text, &length, &e), 0);
	ck_assert_uint_eq(length, 5);
	char *none = NULL;
	ck_assert_int_eq(file_read(path, 4, &none, &length, &e), -1);
	ck_assert_ptr_null(none);
	ck_assert_ptr_nonnull(strstr(e.msg, "is larger than 4 bytes"));
	ck_assert_int_eq(file_read("/nonexistent", 4, &none, &length, &e), -1);
	ck_assert_int_eq(e.sys, ENOENT);
}
END_TEST

START_TEST(trees_are_removed_but_not_what_links_lead_to)
{
	_free_ char *tree = scratch_path("tree");
	_free_ char *link = scratch_path("tree/link");
	struct err e;

	scratch_mkdir("keep", 0700);
	scratch_write_text("keep/me", "x");
	scratch_mkdir("tree", 0700);
	scratch_mkdir("tree/deep", 0700);
	scratch_write_text("tree/deep/file", "x");
	ck_assert_int_eq(symlink("../keep", link), 0);
	ck_assert_int_eq(file_remove_tree(tree, &e), 0);
	ck_assert_int_eq(file_remove_tree(tree, &e), 0);
	ck_assert_int_lt(access(tree, F_OK), 0);
	_free_ char *kept = scratch_read("keep/me");
	ck_assert_str_eq(kept, "x");
}
END_TEST

START_TEST(pipes_are_not_read)
{
	_free_ char *path = scratch_path("pipe");
	char *none = NULL;
	struct err e;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(file_read(path, 4, &none, NULL, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "is a pipe"));
}
END_TEST

static int walk(const char *name, bool make, struct err *e)
{
	_free_ char *path = scratch_path(name);
	int fd = walk_open_directory(path, make, e);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static void scratch_link(const char *target, const char *name)
{
	_free_ char *path = scratch_path(name);

	ck_assert_int_eq(symlink(target, path), 0);
}

START_TEST(a_walk_makes_what_is_missing)
{
	_free_ char *last = scratch_path("a/b/c");
	struct stat st;
	struct err e;

	ck_assert_int_eq(walk("a/b/c", false, &e), -ENOENT);
	ck_assert_msg(walk("a//b/c/", true, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(walk("a/./b/../b/c", false, &e), 0);
	ck_assert_int_eq(stat(last, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	scratch_write_text("a/file", "x");
	ck_assert_int_eq(walk("a/file/b", true, &e), -ENOTDIR);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

/* The scratch directory lies in /tmp, where everybody may write, but not take its entry out. */
START_TEST(a_walk_follows_links_of_our_own)
{
	_free_ char *absolute = scratch_path("real");
	struct err e;

	scratch_mkdir("real", 0755);
	scratch_mkdir("real/data", 0755);
	scratch_link(absolute, "absolute");
	scratch_link("./absolute/", "relative");
	scratch_link("around", "around");
	ck_assert_msg(walk("relative/data", false, &e) == 0, "%s", e.msg);
	ck_assert_msg(walk("relative/more", true, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(access(absolute, X_OK), 0);
	ck_assert_int_eq(walk("around", false, &e), -ELOOP);
}
END_TEST

static const struct {
	mode_t mode;
	uid_t directory, link;
	bool followed;
} link_cases[] = {
	{ 0755, 0, 0, true }, { 0755, 0, 4321, true }, /* only root could have put it there */
	{ 0755, 4321, 0, false }, { 0775, 0, 0, false }, { 0757, 0, 0, false },
	{ 01777, 0, 0, true }, { 01777, 0, 4321, false },
	{ 01777, 4321, 0, false }, /* its owner takes out anything */
};

START_TEST(root_follows_no_links_of_others)
{
	_free_ char *place = scratch_path("place");
	_free_ char *link = scratch_path("place/link");
	_free_ char *down = scratch_path("place/down");
	const bool followed = link_cases[_i].followed;
	struct err e;

	if (geteuid() != 0)
		return;
	scratch_mkdir("place", link_cases[_i].mode);
	scratch_mkdir("place/down", 0755);
	scratch_link("..", "place/link");
	scratch_link("..", "place/down/link");
	ck_assert_int_eq(lchown(link, link_cases[_i].link, 0), 0);
	ck_assert_int_eq(lchown(down, link_cases[_i].link, 0), 0);
	ck_assert_int_eq(lchown(place, link_cases[_i].directory, 0), 0);
	ck_assert_int_eq(walk("place/link", false, &e), followed ? 0 : -ELOOP);
	ck_assert_int_eq(walk("place/link/made", true, &e), followed ? 0 : -ELOOP);
	/* Others could exchange any directory on the way. */
	ck_assert_int_eq(walk("place/down", false, &e), 0);
	if (link_cases[_i].link == 0)
		ck_assert_int_eq(walk("place/down/link", false, &e), followed ? 0 : -ELOOP);
}
END_TEST

START_TEST(parents_are_found)
{
	static const char *const cases[][2] = { { "/a/b", "/a" }, { "/a", "/" }, { "a", "." } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *parent = file_parent(cases[i][0]);
		ck_assert_str_eq(parent, cases[i][1]);
	}
}
END_TEST

static int run_shell(const char *script, int64_t timeout_ms, size_t max, char **output, int *status,
	struct err *e)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct proc_spec spec = {
		.path = "/bin/sh", .argv = argv, .envp = (const char *const *)environ
	};
	struct capture c;

	ck_assert_msg(capture_start(&c, &spec, e) == 0, "%s", e->msg);
	return capture_finish(&c, timeout_ms, max, output, status, e);
}

START_TEST(programs_are_listened_to)
{
	_free_ char *output = NULL;
	char how[64];
	int status;
	struct err e;

	ck_assert_int_eq(
		run_shell("cat; echo out; echo err >&2; exit 3", 10000, 100, &output, &status, &e),
		0);
	ck_assert_str_eq(output, "out\nerr\n");
	capture_describe_status(status, how, sizeof(how));
	ck_assert_str_eq(how, "exit code 3");
}
END_TEST

START_TEST(what_programs_say_too_much_is_dropped)
{
	_free_ char *output = NULL;
	int status;
	struct err e;

	ck_assert_int_eq(run_shell("head -c 1000000 /dev/zero | tr '\\0' x", 20000, 10, &output,
				 &status, &e),
		0);
	ck_assert_str_eq(output, "xxxxxxxxxx");
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(programs_that_hang_are_killed)
{
	char *output = NULL;
	int status;
	struct err e;

	ck_assert_int_eq(run_shell("exec sleep 100", 50, 10, &output, &status, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TIMEOUT);
	ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 0);
}
END_TEST

START_TEST(programs_that_are_not_there_are_told)
{
	const char *const argv[] = { "x", NULL };
	const struct proc_spec spec = {
		.path = "/nonexistent/x", .argv = argv, .envp = (const char *const *)environ
	};
	struct capture c;
	struct err e;

	ck_assert_int_eq(capture_start(&c, &spec, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "could not start \"/nonexistent/x\": No such file"));
}
END_TEST

START_TEST(processes_are_found_by_their_directory)
{
	char real[PATH_MAX];

	ck_assert_ptr_nonnull(realpath(scratch_directory, real));
	ck_assert_int_eq(proc_with_cwd(real, NULL, NULL), 0);
	_free_ char *before = getcwd(NULL, 0);
	ck_assert_int_eq(chdir(real), 0);
	int count = proc_with_cwd(real, NULL, NULL);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_int_eq(count, 1);
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} uuids[] = {
	{ "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab", true },
	{ "00000000-0000-0000-0000-000000000000", true },
	{ "", false },
	{ "4c1c0b8e", false },
	{ "4c1c0b8e-9a2d-4f6e-8b7a-0123456789a", false },
	{ "4c1c0b8e-9a2d-4f6e-8b7a-0123456789abc", false },
	{ "4C1C0B8E-9A2D-4F6E-8B7A-0123456789AB", false }, /* as PostgreSQL never writes it */
	{ "4c1c0b8e-9a2d-4f6e-8b7a+0123456789ab", false },
	{ "4c1c0b8e-9a2d-4f6e-8b7a-0123456789/b", false },
	{ "../../8e-9a2d-4f6e-8b7a-0123456789ab", false },
	{ "4c1c0b8e09a2d04f6e08b7a00123456789ab", false },
};

START_TEST(uuids_are_known_by_their_form)
{
	ck_assert_int_eq(uuid_is_valid(uuids[_i].text), uuids[_i].valid);
}
END_TEST

Suite *suite_base(void);

Suite *suite_base(void)
{
	Suite *s = suite_create("base");
	TCase *c = tcase_create("base");
	TCase *files = tcase_create("files and programs");

	tcase_add_test(c, errors_are_wrapped_on_the_way_up);
	tcase_add_test(c, long_errors_are_cut);
	tcase_add_test(c, every_kind_of_error_has_an_exit_code);
	tcase_add_test(c, phases_have_names);
	tcase_add_test(c, back_off_grows_to_its_end);
	tcase_add_test(c, parents_are_found);
	tcase_add_loop_test(c, uuids_are_known_by_their_form, 0, (int)ARRAY_LEN(uuids));
	suite_add_tcase(s, c);

	tcase_add_checked_fixture(files, scratch_make, scratch_remove);
	tcase_add_test(files, files_are_replaced_whole);
	tcase_add_test(files, files_have_a_limit);
	tcase_add_test(files, pipes_are_not_read);
	tcase_add_test(files, trees_are_removed_but_not_what_links_lead_to);
	tcase_add_test(files, a_walk_makes_what_is_missing);
	tcase_add_test(files, a_walk_follows_links_of_our_own);
	tcase_add_loop_test(files, root_follows_no_links_of_others, 0, (int)ARRAY_LEN(link_cases));
	tcase_add_test(files, programs_are_listened_to);
	tcase_add_test(files, what_programs_say_too_much_is_dropped);
	tcase_add_test(files, programs_that_hang_are_killed);
	tcase_add_test(files, programs_that_are_not_there_are_told);
	tcase_add_test(files, processes_are_found_by_their_directory);
	suite_add_tcase(s, files);
	return s;
}
