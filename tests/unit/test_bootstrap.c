/*
 * Which data directories are taken, which are made anew and which are refused:
 * made-up directories, looked at. Nothing may be changed by looking.
 */
#include <check.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/log.h"
#include "prepare/bootstrap.h"
#include "scratch.h"

static const char cluster[] = "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab";
static const char aside[] = "data.abandoned.4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab";

static const char *const files[] = { "PG_VERSION", "base/1/PG_VERSION", "global/pg_filenode.map" };
static const char *const directories[] = { "base", "base/1", "global", "pg_commit_ts",
	"pg_dynshmem", "pg_logical", "pg_multixact", "pg_multixact/members", "pg_multixact/offsets",
	"pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp",
	"pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact" };

static void make_complete(void)
{
	char control[8192] = { 1 };

	scratch_mkdir("data", 0700);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		_free_ char *name = xasprintf("data/%s", directories[i]);
		scratch_mkdir(name, 0700);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_free_ char *name = xasprintf("data/%s", files[i]);
		scratch_write_text(name, "15\n");
	}
	scratch_write("data/global/pg_control", control, sizeof(control), 0600);
}

/* What is removed and repaired is logged, which is no news here. */
static void setup(void)
{
	scratch_make();
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static void teardown(void)
{
	log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	scratch_remove();
}

static int inspect(enum data_state *state, struct err *e)
{
	_free_ char *path = scratch_path("data");

	return bootstrap_inspect(path, 15, state, e);
}

static void assert_state(enum data_state expected)
{
	enum data_state state;
	struct err e;

	ck_assert_msg(inspect(&state, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(state, expected);
}

static void assert_refused(const char *part)
{
	enum data_state state;
	struct err e;

	ck_assert_int_eq(inspect(&state, &e), -1);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_msg(strstr(e.msg, part), "\"%s\" is not in: %s", part, e.msg);
	ck_assert_ptr_nonnull(strstr(e.msg, scratch_directory));
}

static void remove_entry(const char *name)
{
	_free_ char *path = scratch_path(name);
	struct err e;

	ck_assert_int_eq(file_remove_tree(path, &e), 0);
}

START_TEST(takes_nothing_and_an_empty_directory)
{
	assert_state(DATA_ABSENT);
	scratch_mkdir("data", 02770);
	assert_state(DATA_ABSENT);
}
END_TEST

START_TEST(takes_a_complete_directory)
{
	make_complete();
	assert_state(DATA_OURS);
	/* What has come to it since, and the mode, do not matter. */
	scratch_write_text("data/postmaster.pid", "1\n");
	scratch_write_text("data/postgresql.auto.conf", "");
	_free_ char *path = scratch_path("data");
	ck_assert_int_eq(chmod(path, 02770), 0);
	assert_state(DATA_OURS);
}
END_TEST

START_TEST(takes_a_link_to_a_complete_directory)
{
	_free_ char *real = scratch_path("elsewhere");
	_free_ char *link = scratch_path("data");

	make_complete();
	ck_assert_int_eq(rename(link, real), 0);
	ck_assert_int_eq(symlink("elsewhere", link), 0);
	assert_state(DATA_OURS);
	remove_entry("elsewhere");
	assert_refused("No such file");
	scratch_mkdir("elsewhere", 0700);
	assert_refused("a link to an empty directory");
}
END_TEST

START_TEST(refuses_what_is_no_directory)
{
	scratch_write_text("data", "x");
	assert_refused("is not a directory");
}
END_TEST

START_TEST(refuses_a_foreign_directory)
{
	scratch_mkdir("data", 0700);
	scratch_write_text("data/holiday.jpg", "x");
	assert_refused(
		"is not empty, and not a data directory of PostgreSQL: it holds \"holiday.jpg\"");
}
END_TEST

START_TEST(takes_lost_and_found_for_nothing)
{
	scratch_mkdir("data", 0700);
	scratch_mkdir("data/lost+found", 0700);
	assert_state(DATA_ABSENT);
}
END_TEST

static const char *const removals[] = { "PG_VERSION", "base/1/PG_VERSION", "global/pg_control",
	"global/pg_filenode.map", "base", "pg_wal", "pg_xact", "pg_notify", "pg_multixact/members",
	"pg_tblspc" };

START_TEST(refuses_a_half_copied_directory)
{
	_free_ char *name = xasprintf("data/%s", removals[_i]);

	make_complete();
	remove_entry(name);
	assert_refused("is incomplete");
}
END_TEST

START_TEST(refuses_a_broken_control_file)
{
	static const char zeros[8192];
	static const char longer[8193] = { 1 };

	make_complete();
	scratch_write("data/global/pg_control", zeros, sizeof(zeros), 0600);
	assert_refused("\"global/pg_control\"");
	scratch_write("data/global/pg_control", "\1\1\1\1", 4, 0600);
	assert_refused("\"global/pg_control\"");
	scratch_write("data/global/pg_control", longer, sizeof(longer), 0600);
	assert_refused("\"global/pg_control\"");
	remove_entry("data/global/pg_control");
	scratch_mkdir("data/global/pg_control", 0700);
	assert_refused("\"global/pg_control\"");
}
END_TEST

static const struct {
	const char *version;
	const char *message;
} versions[] = {
	{ "16\n", "this is the older PostgreSQL 15, which cannot read it" },
	{ "14\n", "pg_upgrade" },
	{ "9.6\n", "is of PostgreSQL 9," },
	{ "x\n", "holds no version" },
	{ "15x\n", "holds no version" },
	{ "", "holds no version" },
	{ "15151515151515151515151515151515151515151515151515151515151515151515151515151515\n",
		"is larger than" },
};

START_TEST(refuses_other_versions)
{
	make_complete();
	scratch_write_text("data/PG_VERSION", versions[_i].version);
	assert_refused(versions[_i].message);
}
END_TEST

START_TEST(refuses_another_owner)
{
	_free_ char *path = scratch_path("data");

	if (geteuid() != 0)
		return; /* only root can give a directory away */
	make_complete();
	ck_assert_int_eq(chown(path, 4321, 4321), 0);
	assert_refused("belongs to uid 4321 (not in /etc/passwd), but PostgreSQL runs as uid 0 "
		       "(root)");
}
END_TEST

START_TEST(refuses_a_mount_point)
{
	_free_ char *path = scratch_path("data");
	_free_ char *expected = xasprintf("mount it at \"%s\"", scratch_directory);

	scratch_mkdir("data", 0700);
	if (mount("none", path, "tmpfs", 0, NULL) < 0)
		return; /* only root can mount, and not in every container */
	enum data_state state;
	struct err e;
	int status = inspect(&state, &e);
	struct err aside_e;
	int aside_status = bootstrap_check_abandon(path, cluster, &aside_e);
	ck_assert_int_eq(umount(path), 0);
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_msg(strstr(e.msg, expected), "%s", e.msg);
	ck_assert_int_eq(aside_status, -1);
	ck_assert_msg(strstr(aside_e.msg, "mounted volume"), "%s", aside_e.msg);
}
END_TEST

START_TEST(removes_what_was_left_behind)
{
	_free_ char *data = scratch_path("data");
	_free_ char *left_over = scratch_path("data.new");
	struct err e;

	ck_assert_int_eq(bootstrap_clean(data, &e), 0);
	scratch_mkdir("data.new", 0700);
	scratch_write_text("data.new/PG_VERSION", "15\n");
	ck_assert_int_eq(bootstrap_clean(data, &e), 0);
	ck_assert_int_lt(access(left_over, F_OK), 0);
}
END_TEST

START_TEST(abandons_the_directory_of_a_cluster)
{
	_free_ char *data = scratch_path("data");
	_free_ char *target = scratch_path(aside);
	struct stat before;
	struct stat after;
	struct err e;

	make_complete();
	ck_assert_int_eq(stat(data, &before), 0);
	ck_assert_msg(bootstrap_check_abandon(data, cluster, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(bootstrap_abandon(data, cluster, &e), 0);
	ck_assert_int_lt(access(data, F_OK), 0);
	ck_assert_int_eq(stat(target, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

/* Each makes something that is in the way; the words tell which. */
static void make_target(void)
{
	scratch_mkdir(aside, 0700);
}

static void link_target(void)
{
	_free_ char *target = scratch_path(aside);

	ck_assert_int_eq(symlink("/nowhere", target), 0);
}

static void link_data(void)
{
	_free_ char *data = scratch_path("data");
	_free_ char *elsewhere = scratch_path("elsewhere");

	ck_assert_int_eq(rename(data, elsewhere), 0);
	ck_assert_int_eq(symlink(elsewhere, data), 0);
}

static void link_wal(void)
{
	_free_ char *wal = scratch_path("data/pg_wal");
	_free_ char *elsewhere = scratch_path("wal");

	ck_assert_int_eq(rename(wal, elsewhere), 0);
	ck_assert_int_eq(symlink(elsewhere, wal), 0);
}

static void enter_data(void)
{
	_free_ char *data = scratch_path("data");

	ck_assert_int_eq(chdir(data), 0);
}

static const struct {
	void (*make)(void);
	const char *id;
	const char *words;
} obstacles[] = {
	{ make_target, cluster, "already exists, so" },
	{ link_target, cluster, "already exists, so" },
	{ link_data, cluster, "link or a mounted volume" },
	{ link_wal, cluster, "pg_wal" },
	{ enter_data, cluster, "1 processes" },
	{ NULL, "../data", "not a cluster's id" },
};

START_TEST(abandons_nothing_that_is_in_doubt)
{
	_free_ char *data = scratch_path("data");
	_free_ char *before = getcwd(NULL, 0);
	struct err e;

	make_complete();
	if (obstacles[_i].make)
		obstacles[_i].make();
	int status = bootstrap_check_abandon(data, obstacles[_i].id, &e);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_msg(strstr(e.msg, obstacles[_i].words), "%s", e.msg);
	ck_assert_int_eq(access(data, F_OK), 0);
}
END_TEST

static const struct {
	mode_t before;
	mode_t after;
} modes[] = { { 0700, 0700 }, { 0750, 0750 }, { 02770, 0700 }, { 0755, 0700 }, { 0500, 0700 } };

START_TEST(closes_our_own_directory)
{
	_free_ char *path = scratch_path("data");
	struct stat st;
	struct err e;

	make_complete();
	ck_assert_int_eq(chmod(path, modes[_i].before), 0);
	ck_assert_msg(bootstrap_close(path, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, modes[_i].after);
}
END_TEST

Suite *suite_bootstrap(void);

Suite *suite_bootstrap(void)
{
	Suite *s = suite_create("bootstrap");
	TCase *c = tcase_create("data directory");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, takes_nothing_and_an_empty_directory);
	tcase_add_test(c, takes_a_complete_directory);
	tcase_add_test(c, takes_a_link_to_a_complete_directory);
	tcase_add_test(c, refuses_what_is_no_directory);
	tcase_add_test(c, refuses_a_foreign_directory);
	tcase_add_test(c, takes_lost_and_found_for_nothing);
	tcase_add_loop_test(c, refuses_a_half_copied_directory, 0, ARRAY_LEN(removals));
	tcase_add_test(c, refuses_a_broken_control_file);
	tcase_add_loop_test(c, refuses_other_versions, 0, ARRAY_LEN(versions));
	tcase_add_test(c, refuses_another_owner);
	tcase_add_test(c, refuses_a_mount_point);
	tcase_add_test(c, removes_what_was_left_behind);
	tcase_add_test(c, abandons_the_directory_of_a_cluster);
	tcase_add_loop_test(c, abandons_nothing_that_is_in_doubt, 0, ARRAY_LEN(obstacles));
	tcase_add_loop_test(c, closes_our_own_directory, 0, ARRAY_LEN(modes));
	suite_add_tcase(s, c);
	return s;
}
