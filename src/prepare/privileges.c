#include "prepare/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

/* name is NULL to look for the uid. */
static int find_user(const char *name, uid_t uid, struct user *user)
{
	_file_ FILE *passwd = fopen("/etc/passwd", "re");
	struct passwd entry;
	struct passwd *found;
	char buffer[4096];

	while (passwd && fgetpwent_r(passwd, &entry, buffer, sizeof(buffer), &found) == 0) {
		if (name ? strcmp(entry.pw_name, name) != 0 : entry.pw_uid != uid)
			continue;
		*user = (struct user){ .uid = entry.pw_uid, .gid = entry.pw_gid };
		snprintf(user->name, sizeof(user->name), "%s", entry.pw_name);
		return 0;
	}
	return -1;
}

int user_of_name(const char *name, struct user *user)
{
	return find_user(name, 0, user);
}

int user_of_uid(uid_t uid, struct user *user)
{
	return find_user(NULL, uid, user);
}

int privileges_give_directory(
	int directory, const char *path, const struct user *user, struct err *e)
{
	struct stat st;

	if (fstat(directory, &st) < 0)
		return err_sys(e, "could not look at directory \"%s\"", path);
	if (st.st_uid == user->uid)
		return 0;
	if (fchownat(directory, "", user->uid, user->gid, AT_EMPTY_PATH) < 0)
		return err_sys(e, "could not give directory \"%s\" to user \"%s\" (uid %u)", path,
			user->name, user->uid);
	return 0;
}

/* setresuid(), with the signal of the parent's death kept. */
static int set_users(uid_t real, uid_t effective, uid_t saved)
{
	pid_t parent = getppid();
	int death_signal = 0;

	prctl(PR_GET_PDEATHSIG, &death_signal);
	if (setresuid(real, effective, saved) < 0 ||
		(death_signal && prctl(PR_SET_PDEATHSIG, death_signal) < 0))
		return -1;
	if (death_signal && getppid() != parent)
		raise(SIGKILL);
	return 0;
}

int privileges_lend(const struct user *user, struct err *e)
{
	if (setgroups(0, NULL) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
		set_users(user->uid, user->uid, 0) == 0)
		return 0;
	return err_sys(e, "could not become user \"%s\" (uid %u)", user->name, user->uid);
}

int privileges_resume(struct err *e)
{
	if (set_users((uid_t)-1, 0, (uid_t)-1) == 0)
		return 0;
	return err_sys(e, "could not become root again, to give directories to the server's user");
}

int privileges_drop(const struct user *user, struct err *e)
{
	if (set_users(user->uid, user->uid, user->uid) == 0)
		return 0;
	return err_sys(e, "could not become user \"%s\" (uid %u)", user->name, user->uid);
}
