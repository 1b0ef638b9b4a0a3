/*
 * prepare as a child process, at start: it gets a pipe, and its end leaves one
 * struct launch there, or an exit code that becomes PID 1's own.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/exit_code.h"
#include "init/launch.h"

struct prepare_child {
	pid_t pid;   /* 0 when it does not run */
	int pipe_fd; /* our end of the pipe, or -1 */
};

/* abandon names the cluster whose data directory is to be abandoned first, or is "". */
int prepare_child_start(struct prepare_child *p, const char *abandon, int secrets_fd, int lock_fd,
	char *const *environment, struct err *e) NODISCARD;

/* After it was reaped: takes the checked description out of the pipe, or says with which code
 * PID 1 ends. */
enum exit_code prepare_child_ended(
	struct prepare_child *p, int status, struct launch *launch, struct err *e);
