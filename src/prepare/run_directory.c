#include "prepare/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/walk.h"
#include "node/passfile.h"

#include "base/banned.h"

static char *inside(const struct settings *s, const char *name)
{
	return xasprintf("%s/%s", settings_text(s, SET_RUN_DIRECTORY), name);
}

char *run_directory_socket(const struct settings *s)
{
	return inside(s, "socket");
}

char *run_directory_socket_lock(const struct settings *s)
{
	_free_ char *socket = run_directory_socket(s);

	return xasprintf("%s/.s.PGSQL.%ld.lock", socket, settings_number(s, SET_PORT));
}

char *run_directory_notify(const struct settings *s)
{
	return inside(s, "notify");
}

static int open_directory(const char *path, struct err *e)
{
	int directory = walk_open_directory(path, true, e);

	if (directory >= 0)
		return directory;
	return err_wrap(e,
		"CITUS_INIT_RUN_DIRECTORY: mount an empty in-memory volume at \"%s\", or name a "
		"directory that uid %u may create",
		path, geteuid());
}

/* Empty, or one that holds our socket directory. */
static bool is_for_us(int directory)
{
	int listed = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_dir_ DIR *dir = listed < 0 ? NULL : fdopendir(listed);
	bool empty = dir != NULL;

	for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir))
		empty &= strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
	return empty || faccessat(directory, "socket", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int run_directory_give(const char *path, const struct user *user, struct err *e)
{
	struct stat st;

	_close_ int directory = open_directory(path, e);
	if (directory < 0)
		return -1;
	if (fstat(directory, &st) < 0)
		return err_sys(e, "could not look at \"%s\"", path);
	if (st.st_uid != user->uid && !is_for_us(directory))
		return err_set(e, ERR_CONFIG,
			"CITUS_INIT_RUN_DIRECTORY: \"%s\" belongs to uid %u and holds other things: "
			"name a directory of its own",
			path, st.st_uid);
	return privileges_give_directory(directory, path, user, e);
}

/* A directory of our own is closed to others. One that belongs to somebody else, as an emptyDir
 * of Kubernetes does, only has to let us in: what we make inside is closed. */
static int close_directory(int directory, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(directory, &st) < 0)
		return err_sys(e, "could not look at \"%s\"", path);
	if (st.st_uid == geteuid() && (st.st_mode & 0777) != 0700 &&
		fchmodat(directory, ".", 0700, 0) < 0)
		return err_sys(e, "could not close directory \"%s\" to others", path);
	if (faccessat(directory, ".", R_OK | W_OK | X_OK, 0) < 0)
		return err_sys(e,
			"uid %u cannot use the directory \"%s\", which belongs to uid %u (mode "
			"%04o)",
			geteuid(), path, st.st_uid, st.st_mode & 07777);
	return 0;
}

/* Whoever can reach the socket is let in as its user, so the directory must be our own: in an
 * emptyDir others may have made one, or a link, of that name. */
static int make_socket_directory(int run, const char *path, struct err *e)
{
	struct stat st;

	if (mkdirat(run, "socket", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "could not make directory \"%s\"", path);
	_close_ int directory =
		openat(run, "socket", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || fstat(directory, &st) < 0 || st.st_uid != geteuid())
		return err_set(e, ERR_CONFIG,
			"\"%s\" is in the way: it must be a directory that belongs to uid %u, "
			"where nobody else can open the server's socket; remove it",
			path, geteuid());
	return close_directory(directory, path, e);
}

int run_directory_make(const struct settings *s, struct err *e)
{
	const char *path = settings_text(s, SET_RUN_DIRECTORY);
	_free_ char *socket = run_directory_socket(s);

	_close_ int directory = open_directory(path, e);
	if (directory < 0 || close_directory(directory, path, e) < 0 ||
		make_socket_directory(directory, socket, e) < 0)
		return -1;
	return passfile_empty(s, e);
}
