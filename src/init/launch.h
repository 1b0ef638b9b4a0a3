/*
 * What prepare tells PID 1: everything needed to start and stop postgres and
 * the agent. PID 1 reads no settings; this is all it knows. One fixed-size
 * message over a pipe, so that reading it can neither allocate nor half succeed.
 */
#pragma once

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/launch_fd.h"

#define LAUNCH_MAGIC 0x32696368u /* "hci2", the layout's version in its last digit */

enum { LAUNCH_OPTIONS_MAX = 20, LAUNCH_OPTIONS_SIZE = 2048 };

struct launch {
	uint32_t magic;
	uint32_t change_user; /* 1: start postgres and agent as uid and gid below */
	uint32_t uid;
	uint32_t gid;
	uint32_t stop_deadline_ms;
	uint32_t restart_limit;		   /* so many restarts of postgres ... */
	uint32_t restart_window_s;	   /* ... in so many seconds, then PID 1 gives up */
	uint32_t log_level;		   /* enum log_level */
	uint32_t log_format;		   /* enum log_format */
	uint32_t http_port;		   /* unused by PID 1 but for its log; 0 when HTTP is off */
	char node[64];			   /* "citus-2", for the log */
	char postgres[PATH_MAX / 4];	   /* the executable */
	char data_directory[PATH_MAX / 4]; /* real path, without links: a backend's cwd */
	char config_file[PATH_MAX / 4];	   /* .../conf/postgresql.conf */
	char passfile[PATH_MAX / 4];	   /* PGPASSFILE of the postmaster */
	char socket_lock[128];		   /* the lock file that postgres makes beside its socket */
	char notify_socket[PATH_MAX / 4];  /* in the run directory; PID 1 binds it */
	/* Settings for postgres' command line, "name=value": each ends with a zero byte, and an
	 * empty one ends them all. Everybody can read a command line, so no secrets. */
	char options[LAUNCH_OPTIONS_SIZE];
};

/* Both block until the whole message has passed. */
int launch_write(int fd, const struct launch *launch, struct err *e) NODISCARD;

/* Checks a message that was read: magic, termination of the strings, absolute paths, limits that
 * are not 0. Nothing else looks at the bytes before this has. */
int launch_check(const struct launch *launch, struct err *e) NODISCARD;
