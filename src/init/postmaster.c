#include "init/postmaster.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/secret.h"

#include "base/banned.h"

enum {
	OWN_VARIABLES = 2,
	ARGUMENTS_BEFORE_OPTIONS = 5,
	WAL_SEGMENT_BYTES = 16 * 1024 * 1024, /* DEFAULT_XLOG_SEG_SIZE */
};

static bool is_variable(const char *entry, const char *name, const char *suffix)
{
	size_t length = strlen(name);
	size_t more = strlen(suffix);

	return strncmp(entry, name, length) == 0 && strncmp(entry + length, suffix, more) == 0 &&
	       entry[length + more] == '=';
}

/* Kept from postgres: where a password lies, our own settings, and what we set anew. */
static bool is_withheld(const char *entry)
{
	for (const char *const *name = secret_names; *name; name++)
		if (is_variable(entry, *name, "") || is_variable(entry, *name, "_FILE"))
			return true;
	return strncmp(entry, "CITUS_INIT_", strlen("CITUS_INIT_")) == 0 ||
	       is_variable(entry, "PGPASSFILE", "") || is_variable(entry, "NOTIFY_SOCKET", "");
}

void postmaster_init(struct postmaster *p, char *const *environment)
{
	size_t count = 0;
	size_t used = 0;

	while (environment[count])
		count++;
	p->environment = xcalloc(count + OWN_VARIABLES + 1, sizeof(*p->environment));
	for (size_t i = 0; i < count; i++)
		if (!is_withheld(environment[i]))
			p->environment[used++] = environment[i];
	p->environment[used++] = p->passfile;
	p->environment[used] = p->notify_socket;
}

void postmaster_fini(struct postmaster *p)
{
	free(p->environment);
	p->environment = NULL;
}

/* After the arguments that are there already; the rest of argv is NULL. */
static void add_options(const char *argv[], const struct launch *launch)
{
	size_t used = ARGUMENTS_BEFORE_OPTIONS;

	for (const char *option = launch->options; *option; option += strlen(option) + 1) {
		argv[used++] = "-c";
		argv[used++] = option;
	}
}

int postmaster_start(struct postmaster *p, const struct launch *launch, int lock_fd, struct err *e)
{
	char config_file[sizeof(launch->config_file) + sizeof("config_file=")];
	const char *argv[ARGUMENTS_BEFORE_OPTIONS + 2 * LAUNCH_OPTIONS_MAX + 1] = {
		/* The path, because postgres finds its library and share directories by it. */
		launch->postgres,
		"-D",
		launch->data_directory,
		"-c",
		config_file,
	};
	const struct proc_spec spec = {
		.path = launch->postgres,
		.argv = argv,
		.envp = p->environment,
		.death_signal = SIGQUIT, /* immediate shutdown: it must not outlive PID 1 */
		.new_session = true,	 /* a terminal's Ctrl-C is for PID 1 alone */
		.fds = { { lock_fd, LAUNCH_FD_LOCK } },
	};

	add_options(argv, launch);
	snprintf(config_file, sizeof(config_file), "config_file=%s", launch->config_file);
	snprintf(p->passfile, sizeof(p->passfile), "PGPASSFILE=%s", launch->passfile);
	snprintf(p->notify_socket, sizeof(p->notify_socket), "NOTIFY_SOCKET=%s",
		launch->notify_socket);
	p->was_ready = false;
	p->started_ms = clock_now_ms();
	pid_t pid = proc_spawn(&spec, e);
	if (pid < 0)
		return -1;
	p->pid = pid;
	return 0;
}

void postmaster_signal(const struct postmaster *p, int sig)
{
	if (p->pid > 0 && kill(p->pid, sig) < 0)
		log_error("could not send signal %d to postgres (pid %d): %m", sig, (int)p->pid);
}

static bool has_no_room(const char *directory)
{
	struct statvfs fs;

	return statvfs(directory, &fs) == 0 && fs.f_blocks > 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < WAL_SEGMENT_BYTES;
}

bool postmaster_disk_is_full(const char *data_directory)
{
	char wal[PATH_MAX]; /* may be a link to another volume */

	snprintf(wal, sizeof(wal), "%s/pg_wal", data_directory);
	return has_no_room(data_directory) || has_no_room(wal);
}
