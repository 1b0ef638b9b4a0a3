/*
 * Plays PostgreSQL for the tests of PID 1, by the name it is called: "initdb"
 * makes a directory that looks like one, "postgres" answers -V and
 * --describe-config, and else behaves as a postmaster: working directory,
 * postmaster.pid, sd_notify, signals, backends in sessions of their own.
 *
 * How it behaves is read at each start from the file "behaviour" beside the data
 * directory, words separated by blanks:
 *
 *   silent          no sd_notify, only postmaster.pid's line 8
 *   late            says READY=1 only when SIGUSR1 comes
 *   die=N           exits with N before it is ready
 *   die-once=N      the same, and removes the file "behaviour" first
 *   hang-fast       SIGINT does not end it
 *   hang-immediate  SIGQUIT does not end it either
 *   backends=N      N children that end when their parent does
 *   stubborn=N      N children that outlive it and end on SIGQUIT
 *   deaf=N          N children that end on SIGKILL only
 *   liar            a child says READY=1 and STOPPING=1; itself it says nothing
 *   orphans=N       N grandchildren that end with code 2 at once, orphaned
 *
 * Beside the data directory it leaves "starts", a line each, "signals", what it was sent, and
 * "inherited", its signal masks and descriptors as it found them. A file "hang-version" beside
 * the program lets "postgres -V" hang, and prepare with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char behaviour[1024];

static void fail(const char *what)
{
	fprintf(stderr, "fake postgres: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

/* The number after "word=", 0 for the word alone, -1 when it is not there. */
static int behaves(const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(behaviour, word); at; at = strstr(at + 1, word)) {
		if (at != behaviour && at[-1] != ' ')
			continue;
		if (at[length] == '=')
			return (int)strtol(at + length + 1, NULL, 10);
		if (at[length] == '\0' || at[length] == ' ')
			return 0;
	}
	return -1;
}

static void notify(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!path || strlen(path) >= sizeof(address.sun_path))
		fail("NOTIFY_SOCKET");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("sendto");
	close(fd);
}

static void write_pidfile(const char *data, const char *state)
{
	char text[PATH_MAX + 200];

	snprintf(text, sizeof(text), "%d\n%s\n%ld\n5432\n/tmp\n127.0.0.1\n  1234567   1\n%-8s\n",
		(int)getpid(), data, (long)time(NULL), state);
	write_file("postmaster.pid", O_TRUNC, text);
}

enum backend { ENDS_WITH_PARENT, ENDS_ON_QUIT, ENDS_ON_KILL };

/* A session of its own, as a real backend; its working directory is the postmaster's. */
static void fork_backends(int count, enum backend kind)
{
	for (int i = 0; i < count; i++) {
		pid_t parent = getpid();

		if (fork() != 0)
			continue;
		setsid();
		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, kind == ENDS_ON_QUIT && sig == SIGQUIT ? SIG_DFL : SIG_IGN);
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (kind == ENDS_WITH_PARENT) {
			signal(SIGTERM, SIG_DFL);
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			if (getppid() != parent)
				_exit(1);
		}
		for (;;)
			pause();
	}
}

static void fork_orphans(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pid_t parent = getpid();
			if (fork() == 0) {
				while (getppid() == parent)
					sched_yield();
				_exit(2);
			}
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void lie(void)
{
	if (fork() == 0) {
		notify("READY=1");
		notify("STOPPING=1");
		_exit(0);
	}
}

static void become_ready(const char *data)
{
	if (behaves("silent") < 0 && behaves("liar") < 0)
		notify("READY=1");
	if (behaves("liar") < 0)
		write_pidfile(data, "ready");
}

static void end(const char *data, int code)
{
	if (behaves("silent") < 0)
		notify("STOPPING=1");
	write_pidfile(data, "stopping");
	unlink("postmaster.pid");
	exit(code);
}

static void take(int sig, const char *data)
{
	char line[32];

	snprintf(line, sizeof(line), "%s\n", sigabbrev_np(sig) ? sigabbrev_np(sig) : "?");
	if (sig != SIGCHLD)
		write_file("../signals", O_APPEND, line);
	if (sig == SIGCHLD)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	else if (sig == SIGUSR1)
		become_ready(data);
	else if ((sig == SIGINT || sig == SIGTERM) && behaves("hang-fast") < 0)
		end(data, 0);
	else if (sig == SIGQUIT && behaves("hang-immediate") < 0)
		end(data, 1);
}

static void read_behaviour(void)
{
	int fd = open("../behaviour", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, behaviour, sizeof(behaviour) - 1);

	behaviour[n > 0 ? n : 0] = '\0';
	behaviour[strcspn(behaviour, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Before it opens or blocks anything itself. */
static void write_inherited(void)
{
	char text[8192];
	int status = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(status, text, sizeof(text) - 1024);

	close(status);
	size_t used = n > 0 ? (size_t)n : 0;
	for (int fd = 0; fd < 256 && used < sizeof(text) - 512; fd++) {
		char link[64];
		char target[256];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(link, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "fd %d %s\n", fd, target);
	}
	text[used] = '\0';
	write_file("../inherited", O_TRUNC, text);
}

static int play_postmaster(const char *data)
{
	struct signalfd_siginfo info;
	sigset_t all;

	if (chdir(data) < 0)
		fail(data);
	write_inherited();
	if (access("postmaster.pid", F_OK) == 0) {
		fprintf(stderr, "fake postgres: lock file \"postmaster.pid\" already exists\n");
		return 1;
	}
	read_behaviour();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	int fd = signalfd(-1, &all, SFD_CLOEXEC);
	write_pidfile(data, "starting");
	write_file("../starts", O_APPEND, "start\n");
	if (behaves("die-once") >= 0) {
		unlink("../behaviour");
		return behaves("die-once");
	}
	if (behaves("die") >= 0)
		return behaves("die");
	fork_backends(behaves("backends"), ENDS_WITH_PARENT);
	fork_backends(behaves("stubborn"), ENDS_ON_QUIT);
	fork_backends(behaves("deaf"), ENDS_ON_KILL);
	fork_orphans(behaves("orphans"));
	if (behaves("liar") >= 0)
		lie();
	if (behaves("late") < 0)
		become_ready(data);
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take((int)info.ssi_signo, data);
	return 1;
}

/* What prepare looks at in a data directory, and no more. */
static int play_initdb(int argc, char **argv)
{
	static const char *const directories[] = { "", "base", "base/1", "global", "pg_commit_ts",
		"pg_dynshmem", "pg_logical", "pg_multixact", "pg_multixact/members",
		"pg_multixact/offsets", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots",
		"pg_stat", "pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal",
		"pg_xact" };
	static const char *const files[] = { "PG_VERSION", "base/1/PG_VERSION",
		"global/pg_filenode.map", "global/pg_control" };
	const char *data = NULL;
	char path[PATH_MAX];

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-D") == 0 || strcmp(argv[i], "--pgdata") == 0)
			data = argv[i + 1];
	if (!data)
		fail("initdb");
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", data, directories[i]);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			fail(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", data, files[i]);
		write_file(path, O_TRUNC, "15\n");
	}
	if (truncate(path, 8192) < 0) /* pg_control, the last one */
		fail(path);
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	if (strcmp(name, "initdb") == 0)
		return play_initdb(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-V") == 0) {
			char path[PATH_MAX];

			snprintf(path, sizeof(path), "%.*shang-version",
				slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
			if (access(path, F_OK) == 0)
				pause();
			printf("postgres (PostgreSQL) 15.0 (fake)\n");
			return 0;
		}
		if (strcmp(argv[i], "--describe-config") == 0 || strcmp(argv[i], "-C") == 0)
			return 0;
	}
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-D") == 0)
			return play_postmaster(argv[i + 1]);
	fprintf(stderr, "fake postgres: no -D\n");
	return 1;
}
