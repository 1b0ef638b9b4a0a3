#include "init/phase_child.h"

#include <signal.h>

#include "base/clock.h"
#include "base/launch_fd.h"
#include "base/log.h"
#include "init/self.h"

#include "base/banned.h"

enum { LIMIT_MS = 30 * 1000 };

void phase_child_init(struct phase_child *p)
{
	*p = (struct phase_child){ .wanted = PHASE_COUNT, .deadline_ms = -1 };
}

int phase_child_start(
	struct phase_child *p, int secrets_fd, int lock_fd, char *const *environment, struct err *e)
{
	if (p->pid > 0 || p->wanted == PHASE_COUNT)
		return 0;
	p->running = p->wanted;
	p->wanted = PHASE_COUNT;

	const char *const argv[] = {
		"citus-init",
		"prepare",
		"--phase",
		phase_name(p->running),
		NULL,
	};
	const struct proc_fd fds[PROC_MAX_FDS] = { { secrets_fd, LAUNCH_FD_SECRETS },
		{ lock_fd, LAUNCH_FD_LOCK } };
	pid_t pid = self_start(argv, environment, fds, e);
	if (pid < 0)
		return -1;
	p->pid = pid;
	p->deadline_ms = clock_now_ms() + LIMIT_MS;
	return 0;
}

void phase_child_watch(struct phase_child *p, int64_t now_ms)
{
	if (p->deadline_ms < 0 || now_ms < p->deadline_ms)
		return;
	log_error("prepare --phase %s (pid %d) did not end within %d s; killed",
		phase_name(p->running), (int)p->pid, LIMIT_MS / 1000);
	kill(p->pid, SIGKILL);
	p->deadline_ms = -1;
}
