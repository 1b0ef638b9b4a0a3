#include "local/reach.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"

#include "base/banned.h"

static const char user_name[] = "postgres";

int reach_user(struct node_user *user, struct err *e)
{
	*user = (struct node_user){ .uid = geteuid(), .gid = getegid(), .name = user_name };
	if (user->uid != 0)
		return 0;
	const struct passwd *entry = getpwnam(user_name);
	if (!entry)
		return err_set(e, ERR_CONFIG,
			"could not find the user \"%s\", which root needs to run the nodes; "
			"install PostgreSQL's package, which makes that user, or run this as "
			"another user",
			user_name);
	if (entry->pw_uid == 0)
		return err_set(e, ERR_CONFIG,
			"the user \"%s\" is root, and PostgreSQL refuses to run as root",
			user_name);
	user->change = true;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return 0;
}

/* Each directory above the path must let the user through: the first that does not is named. */
static int check_path(const struct node_user *user, const struct reach *to, struct err *e)
{
	_free_ char *path = xstrdup(to->path);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (access(path, X_OK) < 0) {
			err_sys(e, "user \"%s\" cannot enter directory \"%s\" to reach %s, \"%s\"",
				user->name, path, to->what, to->path);
			break;
		}
		*slash = '/';
	}
	if (e->kind == ERR_NONE && access(path, to->mode) < 0)
		err_sys(e, "user \"%s\" cannot use %s, \"%s\"", user->name, to->what, to->path);
	if (e->kind == ERR_NONE)
		return 0;
	/* The place is wrong, not the system. */
	e->kind = ERR_CONFIG;
	size_t used = strlen(e->msg);
	snprintf(e->msg + used, sizeof(e->msg) - used, "; %s", to->remedy);
	return -1;
}

static void check_as_user(const struct node_user *user, const struct reach *paths, struct err *e)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0) {
		err_sys(e, "could not become user \"%s\"", user->name);
		return;
	}
	for (; paths->what; paths++)
		if (paths->path && check_path(user, paths, e) < 0)
			return;
}

int reach_check(const struct node_user *user, const struct reach *paths, struct err *e)
{
	struct err found = { 0 };
	int ends[2];

	if (!user->change)
		return 0;
	if (pipe(ends) < 0)
		return err_sys(e, "could not make a pipe");
	_close_ int from = ends[0];
	pid_t pid = fork();
	if (pid == 0) {
		check_as_user(user, paths, &found);
		_exit(write(ends[1], &found, sizeof(found)) == sizeof(found) ? 0 : EXIT_SYSTEM);
	}
	close(ends[1]);
	if (pid < 0)
		return err_sys(e, "could not fork to look as user \"%s\"", user->name);
	ssize_t n = read(from, &found, sizeof(found));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(found))
		return err_set(e, ERR_SYS,
			"could not look as user \"%s\": the process that should "
			"have done so ended",
			user->name);
	*e = found;
	return found.kind == ERR_NONE ? 0 : -1;
}
