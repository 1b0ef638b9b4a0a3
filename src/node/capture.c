#include "node/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#include "base/banned.h"

int capture_start(struct capture *c, const struct proc_spec *spec, struct err *e)
{
	struct proc_spec with_pipe = *spec;
	int ends[2];
	int count = 0;

	*c = (struct capture){ .fd = -1, .path = spec->path };
	_close_ int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0)
		return err_sys(e, "could not open \"/dev/null\"");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "could not make a pipe for \"%s\"", spec->path);
	_close_ int writer = ends[1];
	_close_ int reader = ends[0];

	while (with_pipe.fds[count].from || with_pipe.fds[count].to)
		count++;
	with_pipe.fds[count++] = (struct proc_fd){ nothing, STDIN_FILENO };
	with_pipe.fds[count++] = (struct proc_fd){ writer, STDOUT_FILENO };
	with_pipe.fds[count] = (struct proc_fd){ writer, STDERR_FILENO };
	with_pipe.directory = "/";
	c->pid = proc_spawn(&with_pipe, e);
	if (c->pid < 0) {
		c->pid = 0;
		return -1;
	}
	c->fd = take_fd(&reader);
	return 0;
}

static int reap(struct capture *c, int *status, struct err *e)
{
	pid_t pid = c->pid;

	c->pid = 0;
	close(take_fd(&c->fd));
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "could not wait for \"%s\"", c->path);
	return 0;
}

/* 1: there is more to read, 0: the end, -1: failed. */
static int read_some(const struct capture *c, int64_t deadline_ms, char *text, size_t *used,
	size_t max, struct err *e)
{
	char dropped[4096];
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left = deadline_ms - clock_now_ms();

	if (left <= 0)
		return err_set(e, ERR_TIMEOUT, "\"%s\" did not end in time", c->path);
	int ready = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	if (ready == 0 || (ready < 0 && errno == EINTR))
		return 1;
	size_t room = max - *used;
	ssize_t n = room ? read(c->fd, text + *used, room) : read(c->fd, dropped, sizeof(dropped));
	if (n < 0 && errno != EINTR)
		return err_sys(e, "could not read what \"%s\" says", c->path);
	if (n > 0 && room)
		*used += (size_t)n;
	return n != 0;
}

int capture_finish(struct capture *c, int64_t timeout_ms, size_t max, char **output, int *status,
	struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + timeout_ms;
	_free_ char *text = xcalloc(max + 1, 1);
	struct err ignored;
	size_t used = 0;
	int more;

	do
		more = read_some(c, deadline_ms, text, &used, max, e);
	while (more > 0);
	if (more < 0) {
		kill(c->pid, SIGKILL);
		(void)!reap(c, status, &ignored);
		return -1;
	}
	if (reap(c, status, e) < 0)
		return -1;
	text[used] = '\0';
	*output = take_ptr(text);
	return 0;
}

void capture_describe_status(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exit code %d", WEXITSTATUS(status));
}
