/*
 * A program run for what it says: started with its output in a pipe, read to
 * its end under a deadline, reaped. For short programs and for initdb; the
 * caller has no other children.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/proc.h"

struct capture {
	pid_t pid; /* 0: not running */
	int fd;
	const char *path; /* borrowed from the spec, for messages */
};

/* spec names at most PROC_MAX_FDS - 3 descriptors; standard input is /dev/null, output and errors
 * go to the pipe. The program runs in "/": PostgreSQL's programs complain on standard error of a
 * working directory that their user may not enter (find_my_exec()). */
int capture_start(struct capture *c, const struct proc_spec *spec, struct err *e) NODISCARD;

/*
 * Waits for the end. *output (the caller frees it) holds at most max bytes, what is beyond is
 * dropped; status is as of waitpid(). A program that is not done in time is killed: ERR_TIMEOUT.
 */
int capture_finish(struct capture *c, int64_t timeout_ms, size_t max, char **output, int *status,
	struct err *e) NODISCARD;

/* "exit code 1", "signal 9 (Killed)"; text has room for size bytes. */
void capture_describe_status(int status, char *text, size_t size);
