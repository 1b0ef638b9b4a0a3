#include "init/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/walk.h"

#include "base/banned.h"

static const char file_name[] = ".citus-init.lock";

/* The length of the path of the directory that holds path, without its slash; 0 for the root. */
static size_t parent_length(const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length > 0 && path[length - 1] != '/')
		length--;
	while (length > 0 && path[length - 1] == '/')
		length--;
	return length;
}

static int open_directory(const char *data_directory, int parent, struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/", parent, data_directory);
	int fd = walk_open_directory(path, false, e);
	if (fd < 0 && errno == ENOENT)
		err_set(e, ERR_CONFIG,
			"PGDATA is \"%s\", but there is no directory \"%.*s\": mount the "
			"volume there, or set PGDATA to a path inside it",
			data_directory, parent, data_directory);
	return fd;
}

/* Whoever can write to the volume can put anything in the file's place: a link is not followed, a
 * pipe not waited for. */
static int open_file(int directory, const char *path, struct err *e)
{
	struct stat st;

	_close_ int fd = openat(directory, file_name,
		O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		return err_sys(e,
			"could not create \"%s\": the volume must be writable by uid %u (in "
			"Kubernetes: fsGroup, or an owner that fits runAsUser)",
			path, (unsigned)geteuid());
	if (fd < 0 && errno != ELOOP && errno != EISDIR && errno != ENXIO)
		return err_sys(e, "could not open \"%s\"", path);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED,
			"could not lock \"%s\": it is not a regular file, so citus-init did not "
			"make it; find out who did, and remove it",
			path);
	return take_fd(&fd);
}

int lock_open(struct lock *lock, const char *data_directory, struct err *e)
{
	int parent = (int)parent_length(data_directory);

	lock->fd = -1;
	if (data_directory[0] != '/')
		return err_set(e, ERR_CONFIG,
			"PGDATA is \"%s\": it must be an absolute path, like /pgdata/data",
			data_directory);
	if (data_directory[strspn(data_directory, "/")] == '\0')
		return err_set(e, ERR_CONFIG,
			"PGDATA is \"%s\": the data directory must lie in a volume, like /pgdata/data",
			data_directory);
	int length = snprintf(
		lock->path, sizeof(lock->path), "%.*s/%s", parent, data_directory, file_name);
	if ((size_t)length >= sizeof(lock->path))
		return err_set(e, ERR_CONFIG, "PGDATA is longer than a path may be");

	_close_ int directory = open_directory(data_directory, parent, e);
	if (directory < 0)
		return -1;
	lock->fd = open_file(directory, lock->path, e);
	return lock->fd < 0 ? -1 : 0;
}

enum lock_result lock_try(struct lock *lock, struct err *e)
{
	if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
		return LOCK_TAKEN;
	if (errno == EWOULDBLOCK)
		return LOCK_HELD_ELSEWHERE;
	err_sys(e, "could not lock \"%s\"", lock->path);
	return LOCK_FAILED;
}

/* The pid in the line of /proc/locks about that file, or 0. The kernel names whoever called
 * flock(), translated into our PID namespace, and leaves out what is not visible from here. */
static long pid_of_line(const char *line, const struct stat *st)
{
	long pid;
	unsigned dev_major, dev_minor;
	uint64_t inode;

	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%" SCNu64, &pid, &dev_major, &dev_minor,
		    &inode) != 4)
		return 0;
	if (inode != st->st_ino || dev_major != major(st->st_dev) || dev_minor != minor(st->st_dev))
		return 0;
	return pid;
}

static void name_of_pid(long pid, char *name, size_t size)
{
	char path[64];

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, name, size - 1);
	if (n > 0)
		name[n - 1] = '\0'; /* in place of the newline */
}

void lock_holder(const struct lock *lock, char *words, size_t size)
{
	char line[256];
	char name[32] = "";
	struct stat st;
	long pid = 0;

	_file_ FILE *locks = fopen("/proc/locks", "re");
	if (locks && fstat(lock->fd, &st) == 0)
		while (pid <= 0 && fgets(line, sizeof(line), locks))
			pid = pid_of_line(line, &st);
	if (pid > 0)
		name_of_pid(pid, name, sizeof(name));
	if (name[0])
		snprintf(words, size, "process %ld (%s) holds it", pid, name);
	else if (pid > 0)
		snprintf(words, size,
			"process %ld took it and is gone, but its postgres still runs", pid);
	else
		snprintf(words, size,
			"its holder is not visible from here: another container on the same volume");
}
