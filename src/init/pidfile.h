/*
 * postmaster.pid as far as PID 1 reads it: line 1, the postmaster's pid, and
 * line 8, its state (miscadmin.h: LOCK_FILE_LINE_PM_STATUS). The fall-back of
 * readiness for a postgres that was built without sd_notify. The file is
 * written by another process at any moment, so it may be cut short anywhere.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum pidfile_state {
	PIDFILE_UNKNOWN, /* no line 8, or a word that is none of these */
	PIDFILE_STARTING,
	PIDFILE_READY, /* also "standby": running, though it takes no connections (hot_standby=off)
			*/
	PIDFILE_STOPPING,
};

struct pidfile {
	pid_t pid; /* 0 when line 1 is no positive number */
	enum pidfile_state state;
};

/* Pure; text need not be terminated. */
struct pidfile pidfile_parse(const char *text, size_t length);

/* The file of that data directory; all zero when it cannot be read. */
struct pidfile pidfile_read(const char *data_directory);

/* Removes the file. 0 also when there is none, else -1 with errno. */
int pidfile_remove(const char *data_directory);
