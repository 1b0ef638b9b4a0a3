#include "prepare/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
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

static int make_with_parents(const char *path, struct err *e)
{
	_free_ char *partial = xstrdup(path);

	for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (access(partial, F_OK) < 0 && file_make_directory(partial, 0755, e) < 0)
			return -1;
		*slash = '/';
	}
	return file_make_directory(path, 0700, e);
}

static int make_directory(const char *path, struct err *e)
{
	if (make_with_parents(path, e) == 0)
		return 0;
	return err_wrap(e,
		"CITUS_INIT_RUN_DIRECTORY: mount an empty in-memory volume at \"%s\", or name a "
		"directory that uid %u may create",
		path, geteuid());
}

/* Empty, or one that holds our socket directory. */
static bool is_for_us(const char *path)
{
	_free_ char *socket = xasprintf("%s/socket", path);
	_dir_ DIR *dir = opendir(path);
	bool empty = dir != NULL;

	for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir))
		empty &= strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
	return empty || access(socket, F_OK) == 0;
}

int run_directory_give(const char *path, const struct user *user, struct err *e)
{
	struct stat st;

	if (make_directory(path, e) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_sys(e, "could not look at \"%s\"", path);
	if (st.st_uid != user->uid && !is_for_us(path))
		return err_set(e, ERR_CONFIG,
			"CITUS_INIT_RUN_DIRECTORY: \"%s\" belongs to uid %u and holds other things: "
			"name a directory of its own",
			path, st.st_uid);
	return privileges_give_directory(path, user, e);
}

/* A directory of our own is closed to others. One that belongs to somebody else, as an emptyDir
 * of Kubernetes does, only has to let us in: what we make inside is closed. */
static int close_directory(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "could not look at \"%s\"", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "\"%s\" is not a directory", path);
	if (st.st_uid == geteuid() && (st.st_mode & 0777) != 0700 && chmod(path, 0700) < 0)
		return err_sys(e, "could not close directory \"%s\" to others", path);
	if (access(path, R_OK | W_OK | X_OK) < 0)
		return err_sys(e,
			"uid %u cannot use the directory \"%s\", which belongs to uid %u (mode "
			"%04o)",
			geteuid(), path, st.st_uid, st.st_mode & 07777);
	return 0;
}

int run_directory_make(const struct settings *s, struct err *e)
{
	const char *path = settings_text(s, SET_RUN_DIRECTORY);
	_free_ char *socket = run_directory_socket(s);

	if (make_directory(path, e) < 0 || close_directory(path, e) < 0 ||
		file_make_directory(socket, 0700, e) < 0 || close_directory(socket, e) < 0)
		return -1;
	return passfile_empty(s, e);
}
