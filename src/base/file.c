#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

enum { FIRST_ROOM = 4096 };

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int file_read(const char *path, size_t max, char **text, size_t *length, struct err *e)
{
	struct stat st;

	/* O_NONBLOCK for a pipe that nobody writes to; files and devices ignore it. */
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "could not open \"%s\"", path);
	if (S_ISFIFO(st.st_mode))
		return err_set(
			e, ERR_CONFIG, "could not read \"%s\": it is a pipe, not a file", path);

	/* One byte more than it has, to see its end at once; those of /proc say that they have
	 * none. */
	size_t room = st.st_size > FIRST_ROOM ? (size_t)st.st_size + 1 : FIRST_ROOM;
	_free_ char *buf = NULL;
	size_t used = 0;
	while (used <= max) {
		if (!buf || used == room) {
			room = min_size(buf ? 2 * room : room, max + 1);
			buf = xrealloc(buf, room + 1, 1);
		}
		ssize_t n = read(fd, buf + used, room - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "could not read \"%s\"", path);
		if (n == 0)
			break;
		used += (size_t)n;
	}
	if (used > max)
		return err_set(e, ERR_CONFIG, "\"%s\" is larger than %zu bytes", path, max);
	buf[used] = '\0';
	*text = take_ptr(buf);
	if (length)
		*length = used;
	return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

int file_create(const char *path, const void *data, size_t length, mode_t mode, struct err *e)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "could not create \"%s\"", path);
	if (write_all(fd, data, length) < 0)
		return err_sys(e, "could not write \"%s\"", path);
	if (fsync(fd) < 0)
		return err_sys(e, "could not sync \"%s\"", path);
	return 0;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode, struct err *e)
{
	_free_ char *temporary = xasprintf("%s.tmp", path);
	_free_ char *parent = file_parent(path);

	if (unlink(temporary) < 0 && errno != ENOENT)
		return err_sys(e, "could not remove \"%s\"", temporary);
	if (file_create(temporary, data, length, mode, e) < 0)
		return -1;
	if (rename(temporary, path) < 0)
		return err_sys(e, "could not rename \"%s\" to \"%s\"", temporary, path);
	return file_sync_directory(parent, e);
}

int file_make_directory(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	return err_sys(e, "could not make directory \"%s\"", path);
}

int file_sync_directory(const char *path, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "could not open directory \"%s\"", path);
	if (fsync(fd) < 0)
		return err_sys(e, "could not sync directory \"%s\"", path);
	return 0;
}

int file_sync_filesystem(const char *path, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "could not open directory \"%s\"", path);
	if (syncfs(fd) < 0)
		return err_sys(e, "could not sync the file system of \"%s\"", path);
	return 0;
}

static int remove_at(int parent, const char *name);

/* By descriptors: a directory that somebody exchanges for a link meanwhile leads nowhere else. */
static int remove_contents(int directory)
{
	_dir_ DIR *dir = fdopendir(directory);

	if (!dir) {
		close(directory);
		return -1;
	}
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (remove_at(dirfd(dir), d->d_name) < 0)
			return -1;
	}
	return 0;
}

static int remove_at(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* Of a directory Linux says EISDIR, POSIX EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || remove_contents(directory) < 0)
		return -1;
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int file_remove_tree(const char *path, struct err *e)
{
	if (remove_at(AT_FDCWD, path) < 0)
		return err_sys(e, "could not remove \"%s\"", path);
	return 0;
}

bool file_is_mount_point(const char *path)
{
	struct statx stx;

	return statx(AT_FDCWD, path, 0, 0, &stx) == 0 &&
	       (stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

char *file_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}
