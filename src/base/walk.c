#include "base/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

enum { MOST_LINKS = 40 }; /* as the kernel's MAXSYMLINKS */

struct walk {
	int fd;	      /* where it stands */
	bool trusted; /* only root could change the way up to here */
	bool refused; /* it came to a link that root does not follow */
	int links;    /* followed so far */
	char way[PATH_MAX];
	const char *rest; /* of the way */
};

/* Whether only root could have put the entry into the directory. In one with the sticky bit, like
 * /tmp, others put their own in, but take nobody else's out. */
static bool is_roots(const struct stat *directory, const struct stat *entry)
{
	if (directory->st_uid != 0)
		return false;
	if (!(directory->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	return (directory->st_mode & S_ISVTX) && entry->st_uid == 0;
}

static void stand_at(struct walk *w, int fd)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
}

/* Takes the next name off the way; false at its end. */
static bool next_name(struct walk *w, char name[PATH_MAX])
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(start, "/");

	if (length == 0)
		return false;
	memcpy(name, start, length);
	name[length] = '\0';
	w->rest = start + length + strspn(start + length, "/");
	return true;
}

/* Puts the link's target before the rest of the way. */
static int follow(struct walk *w, int link)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];

	w->refused = geteuid() == 0 && !w->trusted;
	if (w->refused || ++w->links > MOST_LINKS) {
		errno = ELOOP;
		return -1;
	}
	ssize_t n = readlinkat(link, "", target, sizeof(target));
	if (n < 0)
		return -1;
	memcpy(rest, w->rest, strlen(w->rest) + 1);
	int length = snprintf(w->way, sizeof(w->way), "%.*s/%s", (int)n, target, rest);
	if ((size_t)length >= sizeof(w->way)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w->rest = w->way;
	if (target[0] == '/')
		stand_at(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return w->fd < 0 ? -1 : 0;
}

static int step(struct walk *w, const char *name, bool make)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	struct stat directory, entry;

	_close_ int fd = openat(w->fd, name, flags);
	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(w->fd, name, w->rest[0] ? 0755 : 0700) < 0 && errno != EEXIST)
			return -1;
		fd = openat(w->fd, name, flags);
	}
	if (fd < 0 || fstat(w->fd, &directory) < 0 || fstat(fd, &entry) < 0)
		return -1;
	w->trusted &= is_roots(&directory, &entry);
	if (S_ISLNK(entry.st_mode))
		return follow(w, fd);
	if (!S_ISDIR(entry.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	stand_at(w, take_fd(&fd));
	return 0;
}

static void explain(const char *path, const char *refused_link, bool make, struct err *e)
{
	const int why = errno;

	if (refused_link)
		err_set(e, ERR_CONFIG,
			"\"%s\" leads through the symbolic link \"%s\", which others than root can "
			"change, so root does not follow it: name the directory that it points to",
			path, refused_link);
	else if (why == ENOTDIR)
		err_set(e, ERR_CONFIG, "\"%s\" is not a directory", path);
	else
		err_sys(e, "could not %s directory \"%s\"", make ? "make" : "open", path);
	errno = why;
}

int walk_open_directory(const char *path, bool make, struct err *e)
{
	struct walk w = { .fd = -1, .trusted = true };
	char name[PATH_MAX] = "";
	int status = 0;

	w.rest = w.way;
	if ((size_t)snprintf(w.way, sizeof(w.way), "%s", path) >= sizeof(w.way)) {
		errno = ENAMETOOLONG;
		explain(path, NULL, make, e);
		return -1;
	}
	w.fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (w.fd >= 0 && status == 0 && next_name(&w, name))
		status = step(&w, name, make);
	if (w.fd >= 0 && status == 0)
		return w.fd;
	explain(path, w.refused ? name : NULL, make, e);
	stand_at(&w, -1); /* close() leaves errno alone when it succeeds */
	return -1;
}
