/* This program started anew in another role, as a child of PID 1. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/proc.h"

/* argv[0] is the program's name; fds is what the role is given (base/launch_fd.h). The child leads
 * a session of its own and dies with PID 1. Its pid, or -1. */
pid_t self_start(const char *const *argv, char *const *environment,
	const struct proc_fd fds[PROC_MAX_FDS], struct err *e);
