#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

int file_read(const char *path, size_t max, char **text, size_t *length, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "could not open \"%s\"", path);

	_free_ char *buf = xcalloc(max + 2, 1);
	size_t used = 0;
	while (used <= max) {
		ssize_t n = read(fd, buf + used, max + 1 - used);
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

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int file_remove_tree(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS) != 0)
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
