/* The directories of rendered files: swapped whole, cleaned, and what they remember. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/conf.h"
#include "scratch.h"

static char *conf_path(void)
{
	return scratch_path("conf");
}

static void install(const char *text, enum phase phase)
{
	_free_ char *conf = conf_path();
	struct rendered files = { { (char *)text, (char *)"hba\n", (char *)"ident\n" } };
	struct err e;

	ck_assert_msg(conf_install(conf, &files, phase, &e) == 0, "%s", e.msg);
}

static void assert_target(const char *expected)
{
	_free_ char *conf = conf_path();
	char target[64] = "";

	ck_assert_int_ge(readlink(conf, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, expected);
}

static int count_entries(void)
{
	_dir_ DIR *dir = opendir(scratch_directory);
	int count = 0;

	for (struct dirent *d = readdir(dir); d; d = readdir(dir))
		count += d->d_name[0] != '.';
	return count;
}

START_TEST(writes_and_remembers)
{
	_free_ char *conf = conf_path();
	enum phase phase;

	ck_assert_int_eq(conf_read_phase(conf, &phase), -1);
	install("one\n", PHASE_CLUSTER);
	assert_target("conf.1");
	_free_ char *text = scratch_read("conf/postgresql.conf");
	_free_ char *hba = scratch_read("conf/pg_hba.conf");
	ck_assert_str_eq(text, "one\n");
	ck_assert_str_eq(hba, "hba\n");
	ck_assert_int_eq(conf_read_phase(conf, &phase), 0);
	ck_assert_int_eq(phase, PHASE_CLUSTER);
}
END_TEST

START_TEST(makes_nothing_new_of_the_same)
{
	install("one\n", PHASE_OPEN);
	install("one\n", PHASE_OPEN);
	assert_target("conf.1");
	ck_assert_int_eq(count_entries(), 2);
	/* The phase alone makes a difference. */
	install("one\n", PHASE_LOCAL);
	assert_target("conf.2");
}
END_TEST

START_TEST(keeps_the_last_three)
{
	for (int i = 1; i <= 6; i++) {
		_free_ char *text = xasprintf("%d\n", i);
		install(text, PHASE_OPEN);
	}
	assert_target("conf.6");
	ck_assert_int_eq(count_entries(), 4);
	_free_ char *text = scratch_read("conf.4/postgresql.conf");
	ck_assert_str_eq(text, "4\n");
}
END_TEST

/* What a kill at each step leaves behind. */
START_TEST(cleans_up_after_a_kill)
{
	_free_ char *link = scratch_path("conf.link");

	install("one\n", PHASE_OPEN);
	scratch_mkdir("conf.new", 0700);
	scratch_write_text("conf.new/postgresql.conf", "ha");
	scratch_mkdir("conf.2", 0700); /* renamed, but the link was not moved */
	ck_assert_int_eq(symlink("conf.2", link), 0);
	install("one\n", PHASE_OPEN);
	assert_target("conf.1");
	install("two\n", PHASE_OPEN);
	assert_target("conf.3");
	ck_assert_int_eq(count_entries(), 4);
}
END_TEST

static pid_t start_traced_install(const struct rendered *files, enum phase phase)
{
	_free_ char *conf = conf_path();
	struct err e;

	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
			_exit(2);
		_exit(conf_install(conf, files, phase, &e) == 0 ? 0 : 1);
	}
	return pid;
}

static void assert_holds(const struct rendered *files, enum phase expected)
{
	_free_ char *conf = conf_path();
	enum phase phase;

	ck_assert_int_eq(conf_read_phase(conf, &phase), 0);
	ck_assert_int_eq(phase, expected);
	for (int i = 0; i < RENDER_FILE_COUNT; i++) {
		_free_ char *name = xasprintf("conf/%s", render_file_names[i]);
		_free_ char *text = scratch_read(name);
		ck_assert_str_eq(text, files->text[i]);
	}
}

/* A kill leaves what stands there while the process is stopped: it is stopped before and after each
 * system call. */
START_TEST(is_whole_at_any_instant)
{
	static const struct rendered old = { { (char *)"1\n", (char *)"1 hba\n",
		(char *)"1 ident\n" } };
	static const struct rendered new = { { (char *)"2\n", (char *)"2 hba\n",
		(char *)"2 ident\n" } };
	_free_ char *conf = conf_path();
	int before = 0, after = 0;
	int status;
	struct err e;

	ck_assert_int_eq(conf_install(conf, &old, PHASE_CLUSTER, &e), 0);
	pid_t pid = start_traced_install(&new, PHASE_OPEN);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		enum phase phase;

		ck_assert_int_eq(conf_read_phase(conf, &phase), 0);
		bool is_new = phase == PHASE_OPEN;
		assert_holds(is_new ? &new : &old, is_new ? PHASE_OPEN : PHASE_CLUSTER);
		/* Once moved, the link is not moved back. */
		ck_assert(is_new || after == 0);
		after += is_new;
		before += !is_new;
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	ck_assert_int_gt(before, 0);
	ck_assert_int_gt(after, 0);
	assert_holds(&new, PHASE_OPEN);
}
END_TEST

START_TEST(repairs_torn_files)
{
	_free_ char *conf = conf_path();

	install("one\n", PHASE_OPEN);
	scratch_write_text("conf.1/postgresql.conf", "on");
	install("one\n", PHASE_OPEN);
	assert_target("conf.2");
	_free_ char *text = scratch_read("conf/postgresql.conf");
	ck_assert_str_eq(text, "one\n");
	/* A link that leads nowhere. */
	ck_assert_int_eq(unlink(conf), 0);
	ck_assert_int_eq(symlink("conf.77", conf), 0);
	install("one\n", PHASE_OPEN);
	assert_target("conf.3");
}
END_TEST

static const char *const torn[] = { "", "open", "ajar\n", "\n" };

START_TEST(does_not_believe_a_torn_phase)
{
	_free_ char *conf = conf_path();
	enum phase phase;

	scratch_mkdir("conf", 0700);
	scratch_write_text("conf/phase", torn[_i]);
	ck_assert_int_eq(conf_read_phase(conf, &phase), -1);
}
END_TEST

START_TEST(does_not_replace_what_is_not_ours)
{
	_free_ char *conf = conf_path();
	struct rendered files = { { (char *)"a", (char *)"b", (char *)"c" } };
	struct err e;

	scratch_mkdir("conf", 0700);
	ck_assert_int_eq(conf_install(conf, &files, PHASE_OPEN, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "is in the way"));
}
END_TEST

START_TEST(lies_beside_the_data_directory)
{
	_free_ char *conf = conf_directory_of("/pgdata/data");

	ck_assert_str_eq(conf, "/pgdata/conf");
}
END_TEST

Suite *suite_conf(void);

Suite *suite_conf(void)
{
	Suite *s = suite_create("conf");
	TCase *c = tcase_create("conf");

	tcase_add_checked_fixture(c, scratch_make, scratch_remove);
	tcase_add_test(c, writes_and_remembers);
	tcase_add_test(c, makes_nothing_new_of_the_same);
	tcase_add_test(c, keeps_the_last_three);
	tcase_add_test(c, cleans_up_after_a_kill);
	tcase_add_test(c, is_whole_at_any_instant);
	tcase_add_test(c, repairs_torn_files);
	tcase_add_loop_test(c, does_not_believe_a_torn_phase, 0, ARRAY_LEN(torn));
	tcase_add_test(c, does_not_replace_what_is_not_ours);
	tcase_add_test(c, lies_beside_the_data_directory);
	suite_add_tcase(s, c);
	return s;
}
