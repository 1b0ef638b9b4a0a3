/*
 * The postmaster as a child process: its arguments, its environment (which holds
 * no secret and no setting of ours), its descriptors, its death signal.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "init/launch.h"

struct postmaster {
	pid_t pid; /* 0 when none runs */
	bool was_ready;
	int64_t started_ms;
	const char **environment;
	char passfile[PATH_MAX / 4 + sizeof("PGPASSFILE=")];
	char notify_socket[PATH_MAX / 4 + sizeof("NOTIFY_SOCKET=")];
};

/* Allocates the environment from ours, which is borrowed; once, at boot. */
void postmaster_init(struct postmaster *p, char *const *environment);
void postmaster_fini(struct postmaster *p);

/* Starts it as the user that PID 1 is by now; fills pid and started_ms. */
int postmaster_start(
	struct postmaster *p, const struct launch *launch, int lock_fd, struct err *e) NODISCARD;

/* Sends a signal; none when it does not run. */
void postmaster_signal(const struct postmaster *p, int sig);

/* Whether the data directory or its WAL lies on a file system that has no room for a WAL segment:
 * the usual reason for a PANIC that a restart does not cure. */
bool postmaster_disk_is_full(const char *data_directory);
