/*
 * The descriptors of PID 1's children, always at these numbers. Each child gets only those that
 * its duty needs: prepare the secrets, the launch pipe and the lock; postgres (and initdb, from
 * prepare) the lock; the agent the secrets, the control socket and the lock. Each of them writes
 * to the data directory or beside it, and the lock is free only when none is left.
 */
#pragma once

enum launch_fd {
	LAUNCH_FD_SECRETS = 3, /* sealed memfd, base/secret.h */
	LAUNCH_FD_LAUNCH = 4,  /* write end: one struct launch */
	LAUNCH_FD_CONTROL = 5, /* SOCK_SEQPACKET, init/control.h */
	LAUNCH_FD_LOCK = 6,    /* the flock that says: this directory is in use */
};
