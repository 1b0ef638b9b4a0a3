#include "init/prepare_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/launch_fd.h"
#include "base/mem.h"
#include "init/self.h"
#include "init/wait_status.h"

#include "base/banned.h"

int prepare_child_start(struct prepare_child *p, const char *abandon, int secrets_fd, int lock_fd,
	char *const *environment, struct err *e)
{
	const char *const argv[] = { "citus-init", "prepare", *abandon ? "--abandon" : NULL,
		abandon, NULL };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "could not make the pipe for prepare");
	_close_ int ours = ends[0];
	_close_ int theirs = ends[1];
	/* The whole message fits the pipe, so prepare's end of it may block or not. */
	const struct proc_fd fds[PROC_MAX_FDS] = { { secrets_fd, LAUNCH_FD_SECRETS },
		{ theirs, LAUNCH_FD_LAUNCH }, { lock_fd, LAUNCH_FD_LOCK } };
	pid_t pid = self_start(argv, environment, fds, e);
	if (pid < 0)
		return -1;
	p->pid = pid;
	p->pipe_fd = take_fd(&ours);
	return 0;
}

/* The pipe holds all of it by now: its writer is gone. */
static int read_launch(int fd, struct launch *launch, struct err *e)
{
	char *to = (char *)launch;
	size_t used = 0;

	while (used < sizeof(*launch)) {
		ssize_t n = read(fd, to + used, sizeof(*launch) - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_BUG,
				"prepare handed over %zu of %zu bytes of the launch description",
				used, sizeof(*launch));
		used += (size_t)n;
	}
	return launch_check(launch, e);
}

enum exit_code prepare_child_ended(
	struct prepare_child *p, int status, struct launch *launch, struct err *e)
{
	char words[96];
	_close_ int fd = take_fd(&p->pipe_fd);

	p->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK)
		return read_launch(fd, launch, e) < 0 ? EXIT_BUG : EXIT_OK;
	err_set(e, ERR_REFUSED, "prepare %s, so nothing was started",
		wait_status_words(status, words, sizeof(words)));
	return WIFEXITED(status) ? (enum exit_code)WEXITSTATUS(status) : EXIT_SYSTEM;
}
