/* The run directory: made, closed to others, with the passwords as libpq reads them. */
#include <check.h>
#include <unistd.h>

#include "node/passfile.h"
#include "prepare/run_directory.h"
#include "scratch.h"
#include "settings_made.h"

static struct settings *settings_of(const char *superpass)
{
	_free_ char *run = xasprintf("CITUS_INIT_RUN_DIRECTORY=%s/a/run", scratch_directory);
	_free_ char *password = xasprintf("SUPERPASS=%s", superpass);
	const char *const variables[] = { run, password, "CITUS_INIT_POSTGRES_PORT=6000", NULL };

	return settings_made(variables);
}

static mode_t mode_of(const char *name)
{
	_free_ char *path = scratch_path(name);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(is_made_with_its_parents)
{
	struct settings *s = settings_of("a:b\\c d");
	struct err e;

	ck_assert_msg(run_directory_make(s, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(mode_of("a/run"), 0700);
	ck_assert_uint_eq(mode_of("a/run/socket"), 0700);
	ck_assert_uint_eq(mode_of("a/run/passfile"), 0600);
	_free_ char *empty = scratch_read("a/run/passfile");
	ck_assert_str_eq(empty, "");
	settings_free(s);
}
END_TEST

START_TEST(passwords_are_there_between_filling_and_emptying)
{
	_free_ char *path = scratch_path("a/run/passfile");
	struct settings *s = settings_of("a:b\\c d");
	struct stat first, second;
	struct err e;

	ck_assert_int_eq(run_directory_make(s, &e), 0);
	ck_assert_msg(passfile_fill(s, &e) == 0, "%s", e.msg);
	_free_ char *text = scratch_read("a/run/passfile");
	ck_assert_str_eq(text, "*:6000:*:postgres:a\\:b\\\\c d\n"
			       "*:6000:*:admin:admin-secret\n"
			       "*:6000:*:replicator:rep-secret\n");
	ck_assert_int_eq(stat(path, &first), 0);
	ck_assert_int_eq(passfile_fill(s, &e), 0);
	ck_assert_int_eq(stat(path, &second), 0);
	ck_assert_uint_eq(first.st_ino, second.st_ino);
	/* libpq ignores a file that others can read. */
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(passfile_fill(s, &e), 0);
	ck_assert_uint_eq(mode_of("a/run/passfile"), 0600);
	/* The next start begins without them. */
	ck_assert_int_eq(run_directory_make(s, &e), 0);
	_free_ char *empty = scratch_read("a/run/passfile");
	ck_assert_str_eq(empty, "");
	settings_free(s);
}
END_TEST

START_TEST(is_closed_to_others)
{
	struct settings *s = settings_of("x");
	struct err e;

	scratch_mkdir("a", 0755);
	scratch_mkdir("a/run", 0777);
	scratch_mkdir("a/run/socket", 0755);
	ck_assert_int_eq(run_directory_make(s, &e), 0);
	ck_assert_uint_eq(mode_of("a/run"), 0700);
	ck_assert_uint_eq(mode_of("a/run/socket"), 0700);
	settings_free(s);
}
END_TEST

START_TEST(must_be_a_directory)
{
	struct settings *s = settings_of("x");
	struct err e;

	scratch_mkdir("a", 0755);
	scratch_write_text("a/run", "x");
	ck_assert_int_eq(run_directory_make(s, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "is not a directory"));
	settings_free(s);
}
END_TEST

/* As root: what belongs to somebody and is in use is not given away. */
START_TEST(is_not_taken_from_others)
{
	const struct user user = { .name = "somebody", .uid = 4321, .gid = 4321 };
	_free_ char *path = scratch_path("a");
	struct stat st;
	struct err e;

	if (geteuid() != 0)
		return;
	scratch_mkdir("a", 0755);
	scratch_write_text("a/important", "x");
	ck_assert_int_eq(run_directory_give(path, &user, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "holds other things"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);

	_free_ char *important = scratch_path("a/important");
	ck_assert_int_eq(unlink(important), 0);
	ck_assert_int_eq(run_directory_give(path, &user, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 4321);
}
END_TEST

Suite *suite_run_directory(void);

Suite *suite_run_directory(void)
{
	Suite *s = suite_create("run_directory");
	TCase *c = tcase_create("run directory");

	tcase_add_checked_fixture(c, scratch_make, scratch_remove);
	tcase_add_test(c, is_made_with_its_parents);
	tcase_add_test(c, passwords_are_there_between_filling_and_emptying);
	tcase_add_test(c, is_closed_to_others);
	tcase_add_test(c, must_be_a_directory);
	tcase_add_test(c, is_not_taken_from_others);
	suite_add_tcase(s, c);
	return s;
}
