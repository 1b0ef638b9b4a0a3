/*
 * Whom the nodes run as, and whether that user can reach what they need. Root's
 * shell opens every door, so a directory below /root works until a node that
 * has dropped its privileges stands before it; here that is found out before
 * anything starts, with the name of the door.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct node_user {
	bool change; /* we are root: nodes change to uid and gid */
	uid_t uid;
	gid_t gid;
	const char *name; /* "postgres" */
};

struct reach {
	const char *path; /* absolute; NULL is skipped */
	int mode;	  /* of access(2), for the path itself */
	const char *what; /* "the program postgres" */
	const char *remedy;
};

/* Root's nodes run as postgres, anybody else's as themselves. */
int reach_user(struct node_user *user, struct err *e) NODISCARD;

/* Looks as that user, in a process that has become it; paths end with a NULL what. */
int reach_check(const struct node_user *user, const struct reach *paths, struct err *e) NODISCARD;
