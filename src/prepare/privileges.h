/*
 * From root to the user postgres: what belongs to the server is given to it,
 * then nothing is done as root any more.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct user {
	char name[64];
	uid_t uid;
	gid_t gid;
};

/* Entries of /etc/passwd, read without name services: those would load shared libraries into a
 * static program. Return 0, or -1 when there is no such entry. */
int user_of_name(const char *name, struct user *user) NODISCARD;
int user_of_uid(uid_t uid, struct user *user) NODISCARD;

/*
 * Three steps of root: lend() becomes that user, with no supplementary groups; resume() is root
 * once more; drop() becomes the user for good. What is started meanwhile is the user's for good.
 * All keep the signal that comes when the parent dies, which the kernel clears at a change of user;
 * a parent that is gone by then ends this process.
 */
int privileges_lend(const struct user *user, struct err *e) NODISCARD;
int privileges_resume(struct err *e) NODISCARD;
int privileges_drop(const struct user *user, struct err *e) NODISCARD;

/* Gives this directory itself, not what is in it: the one that is open, whatever path leads to
 * now; path is for messages. */
int privileges_give_directory(
	int directory, const char *path, const struct user *user, struct err *e) NODISCARD;
