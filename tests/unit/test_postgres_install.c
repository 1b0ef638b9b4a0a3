/* Finding PostgreSQL: made-up installations whose programs are shell scripts. */
#include <check.h>
#include <unistd.h>

#include "node/postgres_install.h"
#include "scratch.h"

static void write_program(const char *name, const char *script)
{
	_free_ char *text = xasprintf("#!/bin/sh\n%s\n", script);

	scratch_write(name, text, strlen(text), 0755);
}

/* version is what "postgres -V" says behind its name, settings a line of --describe-config. */
static void make_postgres(const char *version, const char *settings)
{
	_free_ char *script = xasprintf("case $1 in\n"
					"-V) echo 'postgres (PostgreSQL) %s' ;;\n"
					"--describe-config) printf 'port\\tx\\n%s\\tx\\n' ;;\n"
					"esac",
		version, settings);

	write_program("bin/postgres", script);
	write_program("bin/initdb", "exit 0");
}

static void make_share(const char *share, const char *control)
{
	_free_ char *extension = xasprintf("%s/extension", share);
	_free_ char *plpgsql = xasprintf("%s/plpgsql.control", extension);
	_free_ char *citus = xasprintf("%s/citus.control", extension);

	scratch_mkdir(share, 0755);
	scratch_mkdir(extension, 0755);
	scratch_write_text(plpgsql, "x");
	if (control)
		scratch_write_text(citus, control);
}

static int find(struct postgres_install *install, struct err *e)
{
	_free_ char *bin = scratch_path("bin");

	return postgres_install_find(bin, install, e);
}

static void setup(void)
{
	scratch_make();
	scratch_mkdir("bin", 0755);
	ck_assert_int_eq(chmod(scratch_directory, 0755), 0);
}

START_TEST(finds_version_and_citus)
{
	struct postgres_install install;
	struct err e;

	make_postgres("15.20 (Debian 15.20-0+deb12u1)", "output_plugin_libraries");
	make_share("share", "comment = 'x'\ndefault_version = '13.2-1'\n");
	ck_assert_msg(find(&install, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(install.version, "15.20");
	ck_assert_int_eq(install.major, 15);
	ck_assert(install.has_output_plugin_libraries);
	ck_assert_str_eq(install.citus_version, "13.2-1");
	_free_ char *initdb = scratch_path("bin/initdb");
	ck_assert_str_eq(install.initdb, initdb);
	postgres_install_fini(&install);
}
END_TEST

START_TEST(knows_that_an_old_minor_lacks_a_setting)
{
	struct postgres_install install;
	struct err e;

	make_postgres("18beta1", "output_plugin_librarie");
	make_share("share", "default_version='14.0-1'");
	ck_assert_msg(find(&install, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(install.version, "18beta1");
	ck_assert(!install.has_output_plugin_libraries);
	ck_assert_str_eq(install.citus_version, "14.0-1");
	postgres_install_fini(&install);
}
END_TEST

/* A tree without the usual places, whose pg_config knows. */
START_TEST(asks_pg_config)
{
	struct postgres_install install;
	struct err e;
	_free_ char *script = xasprintf("echo %s/elsewhere", scratch_directory);

	make_postgres("16.4", "x");
	ck_assert_msg(find(&install, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(install.citus_version, "");
	postgres_install_fini(&install);

	make_share("elsewhere", "default_version = '12.1-1'\n");
	write_program("bin/pg_config", script);
	ck_assert_msg(find(&install, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(install.citus_version, "12.1-1");
	postgres_install_fini(&install);
}
END_TEST

/* As a service manager or "sudo" may leave it: PostgreSQL complains of a working directory that its
 * user may not enter, and says its version all the same. */
START_TEST(neither_complaints_nor_the_working_directory_matter)
{
	struct postgres_install install;
	struct err e;

	make_postgres("15.2", "x");
	make_share("share", "default_version='13.2-1'");
	write_program("bin/postgres",
		"[ \"$(pwd -P)\" = / ] || exit 3; echo 'could not identify current directory' >&2\n"
		"case $1 in -V) echo 'postgres (PostgreSQL) 15.2';; esac");
	_free_ char *before = getcwd(NULL, 0);
	ck_assert_int_eq(chdir(scratch_directory), 0);
	ck_assert_msg(find(&install, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(install.version, "15.2");
	postgres_install_fini(&install);
	ck_assert_int_eq(chdir(before), 0);
}
END_TEST

static void assert_fails_as(enum err_kind kind, const char *part)
{
	struct postgres_install install;
	struct err e;

	ck_assert_int_eq(find(&install, &e), -1);
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.msg, part), "%s", e.msg);
	postgres_install_fini(&install);
}

static void assert_fails(const char *part)
{
	assert_fails_as(ERR_CONFIG, part);
}

START_TEST(tells_what_is_missing)
{
	assert_fails("CITUS_INIT_POSTGRES_BIN_DIR: there is no program");
	make_postgres("15.2", "x");
	_free_ char *initdb = scratch_path("bin/initdb");
	ck_assert_int_eq(chmod(initdb, 0644), 0);
	assert_fails("/bin/initdb\" that this user may run");
	ck_assert_int_eq(chmod(initdb, 0755), 0);
	make_share("share", NULL);
	assert_fails("the extension \"citus\" is not installed for PostgreSQL 15 in");
}
END_TEST

START_TEST(refuses_other_majors)
{
	make_postgres("14.9", "x");
	assert_fails("is PostgreSQL 14.9; citus-init runs PostgreSQL 15 to 18");
	make_postgres("19.1", "x");
	assert_fails("is PostgreSQL 19.1; citus-init runs PostgreSQL 15 to 18");
}
END_TEST

START_TEST(tells_how_a_program_failed)
{
	make_postgres("15.2", "x");
	write_program("bin/postgres", "echo 'libicu.so.72: no such file' >&2; exit 127");
	assert_fails("failed with exit code 127: libicu.so.72: no such file");
	write_program("bin/postgres", "echo hello");
	assert_fails("says \"hello");
	/* No setting is to blame for that, and the next start may go well. */
	write_program("bin/postgres", "kill -SEGV $$");
	assert_fails_as(ERR_SYS, "failed with signal 11");
}
END_TEST

Suite *suite_postgres_install(void);

Suite *suite_postgres_install(void)
{
	Suite *s = suite_create("postgres_install");
	TCase *c = tcase_create("find");

	tcase_add_checked_fixture(c, setup, scratch_remove);
	tcase_add_test(c, finds_version_and_citus);
	tcase_add_test(c, knows_that_an_old_minor_lacks_a_setting);
	tcase_add_test(c, asks_pg_config);
	tcase_add_test(c, neither_complaints_nor_the_working_directory_matter);
	tcase_add_test(c, tells_what_is_missing);
	tcase_add_test(c, refuses_other_majors);
	tcase_add_test(c, tells_how_a_program_failed);
	suite_add_tcase(s, c);
	return s;
}
