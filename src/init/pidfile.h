/*
 * The postmaster's lock files: postmaster.pid in the data directory, and the one
 * beside its socket. PID 1 reads line 1 of postmaster.pid, the pid, and line 8,
 * the state (miscadmin.h: LOCK_FILE_LINE_PM_STATUS): the fall-back of readiness
 * for a postgres that was built without sd_notify. The file is written by another
 * process at any moment, so it may be cut short anywhere.
 *
 * Both outlive a killed container, postmaster.pid on the volume and the other one
 * in the run directory. Their pid is then any process of the next container, and
 * postgres refuses to start (miscinit.c: CreateLockFile()).
 */
#pragma once

#include <stdbool.h>
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

/* Whether line 2 is that data directory. Pure; text need not be terminated. */
bool pidfile_names_directory(const char *text, size_t length, const char *data_directory);

/* Removes both lock files, the socket's only if it names that data directory. Call it under the
 * node's own lock and with no postmaster of ours: no other run has a server there then. They are
 * kept, and the log says so, while any process works in the data directory: it may be a server that
 * somebody started by hand, and PostgreSQL's own check decides. Allocates nothing. */
void pidfile_remove_stale(const char *data_directory, const char *socket_lock);
