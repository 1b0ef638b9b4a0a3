#include "init/phase_wish.h"

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "init/launch.h"

#include "base/banned.h"

enum { LIMIT_MS = 30 * 1000 };

void phase_wish_init(struct phase_wish *w)
{
	*w = (struct phase_wish){ .wanted = PHASE_COUNT, .deadline_ms = -1 };
}

int phase_wish_start(
	struct phase_wish *w, int secrets_fd, int lock_fd, char *const *environment, struct err *e)
{
	if (w->pid > 0 || w->wanted == PHASE_COUNT)
		return 0;
	w->running = w->wanted;
	w->wanted = PHASE_COUNT;

	const char *const argv[] = {
		"citus-init",
		"prepare",
		"--phase",
		phase_name(w->running),
		NULL,
	};
	const struct proc_spec spec = {
		.path = "/proc/self/exe",
		.argv = argv,
		.envp = (const char *const *)environment,
		.death_signal = SIGKILL,
		.new_session = true,
		.fds = { { secrets_fd, LAUNCH_FD_SECRETS }, { lock_fd, LAUNCH_FD_LOCK } },
	};
	pid_t pid = proc_spawn(&spec, e);
	if (pid < 0)
		return -1;
	w->pid = pid;
	w->deadline_ms = clock_now_ms() + LIMIT_MS;
	return 0;
}

void phase_wish_watch(struct phase_wish *w, int64_t now_ms)
{
	if (w->deadline_ms < 0 || now_ms < w->deadline_ms)
		return;
	log_error("prepare --phase %s (pid %d) did not end within %d s; killed",
		phase_name(w->running), (int)w->pid, LIMIT_MS / 1000);
	kill(w->pid, SIGKILL);
	w->deadline_ms = -1;
}
