#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

/* Above every number that a spec names, so that moving one never overwrites another. */
enum { FD_SCRATCH = 64 };

static void restore_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL); /* fails for SIGKILL, SIGSTOP and libc's own: as it should */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the named descriptors at their numbers and closes the rest; report survives as CLOEXEC. */
static int arrange_fds(const struct proc_fd *fds, int *report)
{
	int held[PROC_MAX_FDS];
	int count = 0;

	while (count < PROC_MAX_FDS && (fds[count].from || fds[count].to)) {
		held[count] = fcntl(fds[count].from, F_DUPFD_CLOEXEC, FD_SCRATCH);
		if (held[count] < 0)
			return -1;
		count++;
	}
	*report = fcntl(*report, F_DUPFD_CLOEXEC, FD_SCRATCH);
	if (*report < 0)
		return -1;
	for (int i = 0; i < count; i++)
		if (dup2(held[i], fds[i].to) < 0)
			return -1;

	for (int fd = 3; fd < FD_SCRATCH; fd++) {
		bool named = false;
		for (int i = 0; i < count; i++)
			named |= fds[i].to == fd;
		if (!named)
			close(fd);
	}
	/* Kernels before 5.11 lack the flag; CLOEXEC at every open() covers those. */
	close_range(FD_SCRATCH, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static int become(const struct proc_spec *spec)
{
	if (!spec->change_user)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return -1;
	return setresuid(spec->uid, spec->uid, spec->uid);
}

/* After the change of user: a directory that this user may not enter fails here, with a reason. */
static int enter(const struct proc_spec *spec)
{
	return spec->directory ? chdir(spec->directory) : 0;
}

static _Noreturn void run_child(const struct proc_spec *spec, pid_t parent, int report)
{
	if (spec->new_session)
		setsid();
	if (arrange_fds(spec->fds, &report) == 0 && become(spec) == 0 && enter(spec) == 0) {
		/* The kernel clears the death signal at a change of user: set it after. */
		if (spec->death_signal)
			prctl(PR_SET_PDEATHSIG, spec->death_signal);
		if (spec->death_signal && getppid() != parent)
			_exit(127);
		restore_signals();
		execve(spec->path, (char *const *)spec->argv, (char *const *)spec->envp);
	}
	int failure = errno;
	(void)!write(report, &failure, sizeof(failure));
	_exit(127);
}

pid_t proc_spawn(const struct proc_spec *spec, struct err *e)
{
	int report[2];
	int failure = 0;
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(e, "could not make a pipe to start \"%s\"", spec->path);
	/* Block everything over the fork, so that the child runs no handler of ours. */
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		run_child(spec, parent, report[1]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(report[1]);
	_close_ int answer = report[0];
	if (pid < 0)
		return err_sys(e, "could not fork to start \"%s\"", spec->path);

	ssize_t n;
	do
		n = read(answer, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(failure)) {
		errno = failure;
		return err_sys(e, "could not start \"%s\"", spec->path);
	}
	return pid;
}

static bool has_cwd(long pid, const char *path)
{
	char link[64];
	char cwd[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/%ld/cwd", pid);
	ssize_t n = readlink(link, cwd, sizeof(cwd) - 1);
	if (n < 0)
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, path) == 0;
}

int proc_with_cwd(const char *path, void (*fn)(pid_t pid, void *ctx), void *ctx)
{
	/* Not opendir(), which allocates: PID 1 calls this after start-up. */
	_Alignas(struct dirent64) char entries[4096];
	int count = 0;
	ssize_t filled;

	_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -1;
	while ((filled = getdents64(proc, entries, sizeof(entries))) > 0) {
		const struct dirent64 *d;
		for (ssize_t at = 0; at < filled; at += d->d_reclen) {
			char *end;
			d = (const struct dirent64 *)(entries + at);
			long pid = strtol(d->d_name, &end, 10);
			if (pid <= 0 || *end || !has_cwd(pid, path))
				continue;
			count++;
			if (fn)
				fn((pid_t)pid, ctx);
		}
	}
	return count;
}
