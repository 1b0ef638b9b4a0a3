#include "init/self.h"

#include <signal.h>
#include <string.h>

#include "base/banned.h"

pid_t self_start(const char *const *argv, char *const *environment,
	const struct proc_fd fds[PROC_MAX_FDS], struct err *e)
{
	struct proc_spec spec = {
		.path = PROC_SELF,
		.argv = argv,
		.envp = (const char *const *)environment,
		.death_signal = SIGKILL,
		.new_session = true,
	};

	memcpy(spec.fds, fds, sizeof(spec.fds));
	return proc_spawn(&spec, e);
}
