#include "prepare/initdb.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "init/launch.h"
#include "node/capture.h"
#include "prepare/privileges.h"

#include "base/banned.h"

/* On a slow volume initdb takes minutes; what hangs for longer will not end. */
enum { TIMEOUT_MS = 30 * 60 * 1000, OUTPUT_MOST = 64 * 1024, WORDS_MOST = 512 };

extern char **environ;

/* The environment of this process with some variables set anew; ends with NULL. */
struct environment {
	const char **variables;
	size_t count;
};

static void environment_set(struct environment *env, const char *variable)
{
	size_t name = strcspn(variable, "=") + 1;
	size_t i = 0;

	while (i < env->count && strncmp(env->variables[i], variable, name) != 0)
		i++;
	if (i == env->count) {
		env->variables = xrealloc(env->variables, env->count + 2, sizeof(char *));
		env->variables[++env->count] = NULL;
	}
	env->variables[i] = variable;
}

/* Debian and Ubuntu, RPMs, others. */
static char *find_nss_wrapper(void)
{
	static const char *const patterns[] = { "/usr/lib/*/libnss_wrapper.so*",
		"/usr/lib64/libnss_wrapper.so*", "/usr/lib/libnss_wrapper.so*",
		"/usr/local/lib/libnss_wrapper.so*" };
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(patterns) && !found; i++) {
		glob_t matches;

		if (glob(patterns[i], 0, NULL, &matches) != 0)
			continue;
		found = xstrdup(matches.gl_pathv[0]);
		globfree(&matches);
	}
	return found;
}

/* The variables that give a user without an entry the name postgres. */
struct made_up_user {
	char *preload;
	char *passwd;
	char *group;
};

static int write_entry(
	const char *path, char **variable, const char *name, const char *entry, struct err *e)
{
	*variable = xasprintf("%s=%s", name, path);
	return file_replace(path, entry, strlen(entry), 0600, e);
}

/* initdb asks for the name of its user, also when -U says whom to make, and ends when there is
 * none (get_id() in initdb.c); the server itself does not ask. */
static int make_up_user(const char *run_directory, struct made_up_user *u, struct err *e)
{
	_free_ char *library = find_nss_wrapper();
	_free_ char *passwd = xasprintf("%s/passwd", run_directory);
	_free_ char *group = xasprintf("%s/group", run_directory);
	_free_ char *user_line = xasprintf(
		"postgres:x:%u:%u:PostgreSQL:/nonexistent:/bin/false\n", geteuid(), getegid());
	_free_ char *group_line = xasprintf("postgres:x:%u:\n", getegid());

	if (!library)
		return err_set(e, ERR_CONFIG,
			"uid %u has no entry in /etc/passwd, and initdb needs one: install the "
			"package libnss-wrapper in the image, or run as a user with an entry",
			geteuid());
	u->preload = xasprintf("LD_PRELOAD=%s", library);
	if (write_entry(passwd, &u->passwd, "NSS_WRAPPER_PASSWD", user_line, e) < 0)
		return -1;
	return write_entry(group, &u->group, "NSS_WRAPPER_GROUP", group_line, e);
}

static void log_output(const char *output, enum log_level level)
{
	_free_ char *copy = xstrdup(output);
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_emit(level, "initdb: %s", line);
}

static int run(const struct proc_spec *spec, struct err *e)
{
	struct capture c;
	_free_ char *output = NULL;
	char how[64];
	int status;

	if (capture_start(&c, spec, e) < 0 ||
		capture_finish(&c, TIMEOUT_MS, OUTPUT_MOST, &output, &status, e) < 0)
		return err_wrap(e, "could not make the data directory");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_output(output, LOG_LEVEL_DEBUG);
		return 0;
	}
	log_output(output, LOG_LEVEL_ERROR);
	capture_describe_status(status, how, sizeof(how));
	/* initdb's exit code does not tell a wrong locale from a full disk or a killed child, so it
	 * is not called a wrong setting: another try may succeed. */
	return err_set(e, ERR_SYS,
		"could not make the data directory: \"%s\" ended with %s; its output is above",
		spec->path, how);
}

/* Cuts words at its blanks, and appends them to argv, which borrows them. */
static int add_words(const char *argv[WORDS_MOST], char *words, const char *origin, struct err *e)
{
	size_t count = 0;
	char *rest = NULL;

	while (argv[count])
		count++;
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		if (count == WORDS_MOST - 1)
			return err_set(e, ERR_CONFIG, "%s: more than %d arguments of initdb",
				origin, WORDS_MOST);
		argv[count++] = w;
	}
	return 0;
}

int initdb_run(const struct settings *s, const struct postgres_install *install, const char *path,
	struct err *e)
{
	const char *more = settings_text(s, SET_INITDB_ARGUMENTS);
	_free_ char *words = xstrdup(more ? more : "");
	_free_ char *locale = xasprintf("--locale=%s", settings_text(s, SET_INITDB_LOCALE));
	const char *argv[WORDS_MOST] = { install->initdb, "--no-sync", "--data-checksums",
		"--encoding=UTF8", locale, "--username=postgres", "--auth-local=trust",
		"--auth-host=reject", "--no-instructions", "--pgdata", path };

	if (add_words(argv, words, settings_origin(s, SET_INITDB_ARGUMENTS), e) < 0)
		return -1;
	struct environment env = { 0 };
	for (char **variable = environ; *variable; variable++)
		environment_set(&env, *variable);
	/* Its messages in English; and no search for the name of the machine's time zone, which
	 * would go into a postgresql.conf that is not used. */
	environment_set(&env, "LC_ALL=C");
	environment_set(&env, "TZ=UTC");
	struct made_up_user made_up = { 0 };
	struct user user;
	int status = 0;
	if (user_of_uid(geteuid(), &user) < 0) {
		status = make_up_user(settings_text(s, SET_RUN_DIRECTORY), &made_up, e);
		if (status == 0) {
			environment_set(&env, made_up.preload);
			environment_set(&env, made_up.passwd);
			environment_set(&env, made_up.group);
		}
	}
	struct proc_spec spec = { .path = install->initdb,
		.argv = argv,
		.envp = env.variables,
		.death_signal = SIGKILL };
	/* So the lock is held until the last of initdb's processes is gone. */
	if (fcntl(LAUNCH_FD_LOCK, F_GETFD) >= 0)
		spec.fds[0] = (struct proc_fd){ LAUNCH_FD_LOCK, LAUNCH_FD_LOCK };
	int64_t started_ms = clock_now_ms();
	if (status == 0)
		status = run(&spec, e);
	if (status == 0)
		log_info("made the data directory with initdb of PostgreSQL %s in %lld ms",
			install->version, (long long)(clock_now_ms() - started_ms));
	free(env.variables);
	free(made_up.preload);
	free(made_up.passwd);
	free(made_up.group);
	return status;
}
