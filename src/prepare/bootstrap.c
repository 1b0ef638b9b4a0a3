#include "prepare/bootstrap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "node/abandoned.h"
#include "prepare/initdb.h"
#include "prepare/privileges.h"

#include "base/banned.h"

enum { PG_CONTROL_SIZE = 8192, VERSION_FILE_MOST = 64, SHOWN_ENTRIES = 3 };

/* What initdb of every major from 15 to 18 makes, and a backup keeps (subdirs[] in initdb.c). */
static const char *const needed_files[] = { "PG_VERSION", "base/1/PG_VERSION", "global/pg_control",
	"global/pg_filenode.map" };
static const char *const needed_directories[] = { "base", "base/1", "global", "pg_commit_ts",
	"pg_dynshmem", "pg_logical", "pg_multixact/members", "pg_multixact/offsets", "pg_notify",
	"pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans",
	"pg_tblspc", "pg_twophase", "pg_wal", "pg_xact" };

static char *new_directory_of(const char *data_directory)
{
	return xasprintf("%s.new", data_directory);
}

/* Counts the entries and names the first few; lost+found of a fresh file system is none. */
static int list_entries(const char *path, int *count, char *shown, size_t size, struct err *e)
{
	_dir_ DIR *dir = opendir(path);
	size_t used = 0;

	*count = 0;
	shown[0] = '\0';
	if (!dir)
		return err_sys(e, "could not open the data directory \"%s\"", path);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
			strcmp(d->d_name, "lost+found") == 0)
			continue;
		if (++*count <= SHOWN_ENTRIES && used < size)
			used += (size_t)snprintf(shown + used, size - used, "%s\"%.60s\"",
				used ? ", " : "", d->d_name);
	}
	return 0;
}

static int refuse_owner(const char *path, uid_t owner, struct err *e)
{
	struct user theirs = { .name = "not in /etc/passwd" };
	struct user ours = { .name = "not in /etc/passwd" };

	(void)!user_of_uid(owner, &theirs);
	(void)!user_of_uid(geteuid(), &ours);
	/* PostgreSQL does not run as root, so that is no way out. */
	_free_ char *other_way =
		owner ? xasprintf("run the container as uid %u, or ", owner) : xstrdup("");
	return err_set(e, ERR_REFUSED,
		"the data directory \"%s\" belongs to uid %u (%s), but PostgreSQL runs as uid %u "
		"(%s): %sgive the directory and all in it to uid %u",
		path, owner, theirs.name, geteuid(), ours.name, other_way, geteuid());
}

static int check_version(const char *path, int major, struct err *e)
{
	_free_ char *file = xasprintf("%s/PG_VERSION", path);
	_free_ char *text = NULL;
	char *end;

	if (file_read(file, VERSION_FILE_MOST, &text, NULL, e) < 0) {
		e->kind = ERR_REFUSED;
		return -1;
	}
	long found = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n' && *end != '.'))
		return err_set(e, ERR_REFUSED, "\"%s\" holds no version of PostgreSQL", file);
	if (found > major)
		return err_set(e, ERR_REFUSED,
			"the data directory \"%s\" is of PostgreSQL %ld, and this is the older "
			"PostgreSQL %d, which cannot read it: use an image with PostgreSQL %ld",
			path, found, major, found);
	if (found < major)
		return err_set(e, ERR_REFUSED,
			"the data directory \"%s\" is of PostgreSQL %ld, and this is PostgreSQL "
			"%d: use an image with PostgreSQL %ld, or upgrade the directory with "
			"pg_upgrade first",
			path, found, major, found);
	return 0;
}

static int refuse_incomplete(const char *path, const char *missing, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		"the data directory \"%s\" is incomplete: \"%s\" is missing or not what it should "
		"be; if it is a copy, copy it again; if nothing in it is needed, move it away",
		path, missing);
}

static int check_complete(const char *path, struct err *e)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(needed_files); i++) {
		_free_ char *file = xasprintf("%s/%s", path, needed_files[i]);

		if (stat(file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
			access(file, R_OK) < 0)
			return refuse_incomplete(path, needed_files[i], e);
	}
	for (size_t i = 0; i < ARRAY_LEN(needed_directories); i++) {
		_free_ char *directory = xasprintf("%s/%s", path, needed_directories[i]);

		if (stat(directory, &st) < 0 || !S_ISDIR(st.st_mode))
			return refuse_incomplete(path, needed_directories[i], e);
	}
	return 0;
}

/* PostgreSQL writes pg_control whole, 8 kB, zeros behind its fields; it begins with the system
 * identifier, which is never 0 (ControlFileData in pg_control.h). */
static int check_control(const char *path, struct err *e)
{
	_free_ char *file = xasprintf("%s/global/pg_control", path);
	_free_ char *bytes = NULL;
	size_t length = 0;
	uint64_t identifier = 0;
	struct err why;

	if (file_read(file, PG_CONTROL_SIZE, &bytes, &length, &why) < 0 ||
		length != PG_CONTROL_SIZE)
		return refuse_incomplete(path, "global/pg_control", e);
	memcpy(&identifier, bytes, sizeof(identifier));
	return identifier ? 0 : refuse_incomplete(path, "global/pg_control", e);
}

static int inspect_empty(const char *path, enum data_state *state, struct err *e)
{
	struct stat st;

	if (file_is_mount_point(path)) {
		_free_ char *parent = file_parent(path);
		return err_set(e, ERR_REFUSED,
			"a volume is mounted at the data directory \"%s\" itself, and a new one "
			"cannot be renamed to a mount point: mount it at \"%s\"",
			path, parent);
	}
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(e, ERR_REFUSED,
			"the data directory \"%s\" is a link to an empty directory: remove the "
			"link, or point it to a complete data directory",
			path);
	*state = DATA_ABSENT;
	return 0;
}

int bootstrap_inspect(const char *path, int major, enum data_state *state, struct err *e)
{
	_free_ char *version = xasprintf("%s/PG_VERSION", path);
	_free_ char *global = xasprintf("%s/global", path);
	char shown[256];
	struct stat st;
	int count;

	*state = DATA_ABSENT;
	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (stat(path, &st) < 0) {
		err_sys(e, "could not look at the data directory \"%s\"", path);
		e->kind = ERR_REFUSED;
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(
			e, ERR_REFUSED, "the data directory \"%s\" is not a directory", path);
	if (st.st_uid != geteuid())
		return refuse_owner(path, st.st_uid, e);
	if (list_entries(path, &count, shown, sizeof(shown), e) < 0) {
		e->kind = ERR_REFUSED;
		return -1;
	}
	if (count == 0)
		return inspect_empty(path, state, e);
	if (access(version, F_OK) < 0 && access(global, F_OK) < 0)
		return err_set(e, ERR_REFUSED,
			"the data directory \"%s\" is not empty, and not a data directory of "
			"PostgreSQL: it holds %s%s; set PGDATA to another path, or move them "
			"away",
			path, shown, count > SHOWN_ENTRIES ? ", ..." : "");
	if (access(version, F_OK) < 0)
		return refuse_incomplete(path, "PG_VERSION", e);
	if (check_version(path, major, e) < 0 || check_complete(path, e) < 0 ||
		check_control(path, e) < 0)
		return -1;
	*state = DATA_OURS;
	return 0;
}

int bootstrap_check_volume(const char *data_directory, struct err *e)
{
	_free_ char *parent = file_parent(data_directory);

	if (access(parent, R_OK | W_OK | X_OK) == 0)
		return 0;
	return err_sys(e,
		"uid %u cannot write to \"%s\", which holds the data directory and the "
		"configuration files: give it that directory, or let Kubernetes do so by the "
		"pod's fsGroup",
		geteuid(), parent);
}

int bootstrap_clean(const char *data_directory, struct err *e)
{
	_free_ char *left_over = new_directory_of(data_directory);

	if (faccessat(AT_FDCWD, left_over, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	log_info("removing \"%s\", left behind by an interrupted start", left_over);
	return file_remove_tree(left_over, e);
}

int bootstrap_create(
	const struct settings *s, const struct postgres_install *install, struct err *e)
{
	const char *data = settings_text(s, SET_PGDATA);
	_free_ char *made = new_directory_of(data);
	_free_ char *parent = file_parent(data);

	if (initdb_run(s, install, made, e) < 0)
		return -1;
	if (file_sync_filesystem(made, e) < 0)
		return -1;
	/* Also over an empty directory. */
	if (rename(made, data) < 0)
		return err_sys(e, "could not rename \"%s\" to \"%s\"", made, data);
	return file_sync_directory(parent, e);
}

int bootstrap_check_abandon(const char *data, const char *cluster_id, struct err *e)
{
	if (abandoned_check(data, cluster_id, e) < 0)
		return -1;
	_free_ char *real_path = realpath(data, NULL);
	int count = real_path ? proc_with_cwd(real_path, NULL, NULL) : -1;
	if (count < 0)
		return err_sys(e, "could not look for processes in \"%s\"", data);
	if (count > 0)
		return err_set(e, ERR_REFUSED,
			"%d processes have their working directory in the data directory \"%s\": "
			"postgres, or a shell; end them, then it can be abandoned",
			count, data);
	return 0;
}

int bootstrap_abandon(const char *data, const char *cluster_id, struct err *e)
{
	_free_ char *target = abandoned_path(data, cluster_id);
	_free_ char *parent = file_parent(data);

	if (rename(data, target) < 0)
		return err_sys(e, "could not rename \"%s\" to \"%s\"", data, target);
	log_warning("the data directory of cluster %s is abandoned: \"%s\" is now \"%s\"; "
		    "nothing was deleted, and a new one is made. To undo it: stop this node, move "
		    "the new \"%s\" away, rename the old one back, and clear the request in it by "
		    "\"postgres --single -D %s postgres\" with \"update citus_init.this_node set "
		    "abandon = null\"",
		cluster_id, data, target, data, data);
	return file_sync_directory(parent, e);
}

int bootstrap_close(const char *data, struct err *e)
{
	struct stat st;

	if (stat(data, &st) < 0)
		return err_sys(e, "could not look at the data directory \"%s\"", data);
	mode_t mode = st.st_mode & 0777;
	if (mode == 0700 || mode == 0750)
		return 0;
	if (chmod(data, 0700) < 0)
		return err_sys(e, "could not close the data directory \"%s\" to others", data);
	log_info("closed the data directory \"%s\" to others: its mode was %04o", data,
		st.st_mode & 07777);
	return 0;
}
