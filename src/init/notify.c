#include "init/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#include "base/banned.h"

static const struct {
	const char *line;
	enum notify_word word;
} lines[] = {
	{ "READY=1", NOTIFY_READY },
	{ "STOPPING=1", NOTIFY_STOPPING },
};

enum notify_word notify_parse(const char *text, size_t length)
{
	enum notify_word word = NOTIFY_NOTHING;

	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t line = newline ? (size_t)(newline - text) : length;
		for (size_t i = 0; i < ARRAY_LEN(lines); i++)
			if (strlen(lines[i].line) == line && memcmp(lines[i].line, text, line) == 0)
				word = lines[i].word;
		size_t used = newline ? line + 1 : line;
		text += used;
		length -= used;
	}
	return word;
}

int notify_open(const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int on = 1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_CONFIG,
			"\"%s\" is longer than the %zu bytes a socket's path may have: choose a "
			"shorter run directory",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);

	_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_sys(e, "could not make the socket for readiness");
	/* The file that bind() makes has the socket's mode: it is closed from the beginning, and
	 * no path is followed a second time. */
	if (fchmod(fd, 0600) < 0)
		return err_sys(e, "could not close the socket for readiness to others");
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "could not remove the former \"%s\"", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, "could not bind the socket \"%s\"", path);
	return take_fd(&fd);
}

enum notify_word notify_receive(int fd, pid_t postmaster)
{
	char text[512];
	/* Room for the credentials only: descriptors that somebody attaches find none, and the
	 * kernel closes them. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct ucred sender = { 0 };

	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? NOTIFY_NOTHING : NOTIFY_EMPTY;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
		c->cmsg_len == CMSG_LEN(sizeof(sender)))
		memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	if (sender.pid == 0 || sender.pid != postmaster) {
		log_debug("ignored a readiness message from process %d: the postmaster is %d",
			(int)sender.pid, (int)postmaster);
		return NOTIFY_NOTHING;
	}
	return notify_parse(text, (size_t)n);
}
