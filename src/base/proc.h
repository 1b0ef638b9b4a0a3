/*
 * Processes: started with exactly the descriptors, identity, environment and
 * death signal that are named, and found by their working directory. Knows
 * nothing of waiting: whoever starts a process reaps it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { PROC_MAX_FDS = 8 };

/* This program, as the path to start it anew in another role. It is the kernel's link, so the
 * binary may lie where a user without privileges cannot go, and may be replaced meanwhile. */
#define PROC_SELF "/proc/self/exe"

struct proc_fd {
	int from; /* the descriptor in this process */
	int to;	  /* its number in the new one */
};

struct proc_spec {
	const char *path; /* no search of PATH */
	const char *const *argv;
	const char *const *envp;
	const char *directory; /* its working directory; NULL: the caller's */
	bool change_user;      /* to uid and gid, with no supplementary groups */
	uid_t uid;
	gid_t gid;
	int death_signal; /* PR_SET_PDEATHSIG, set after the change of user; 0 for none */
	bool new_session;
	struct proc_fd fds[PROC_MAX_FDS]; /* ends with from == to == 0 (descriptors 0 to 2 are
					     inherited unless named) */
};

/*
 * Returns the pid, or -1 with *e set also when exec itself failed. All signals are unblocked
 * and at their defaults in the new process; every descriptor above 2 that is not named is closed.
 * A parent that died before the death signal was set is noticed, and the child ends.
 */
pid_t proc_spawn(const struct proc_spec *spec, struct err *e);

/* Calls fn for each process whose working directory is path, whatever its parent (a backend's is
 * the data directory, and each backend leads a session of its own); returns how many, or -1. */
int proc_with_cwd(const char *path, void (*fn)(pid_t pid, void *ctx), void *ctx);
