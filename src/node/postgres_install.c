#include "node/postgres_install.h"

#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "node/capture.h"

#include "base/banned.h"

enum { PROGRAM_TIMEOUT_MS = 30 * 1000, OUTPUT_MOST = 1024 * 1024, CONTROL_FILE_MOST = 64 * 1024 };

extern char **environ;

/* Where packages put the programs; %d is the major. */
static const char *const places[] = {
	"/usr/lib/postgresql/%d/bin", /* Debian, Ubuntu */
	"/usr/pgsql-%d/bin",	      /* PGDG's RPMs */
};
static const char *const fixed_places[] = {
	"/usr/local/pgsql/bin", /* built from source */
	"/usr/local/bin",	/* the official image on Alpine */
};

/* The share directory as seen from the programs': PostgreSQL's tree can be moved as a whole
 * (make_relative_path() in src/port/path.c). */
static const char *const share_places[] = {
	"../../../../share/postgresql/%d", /* Debian */
	"../share/postgresql/%d", "../share/postgresql", "../share/pgsql",
	"../share", /* PGDG's RPMs */
};

/* %d in a place, which is no literal of the call; -Wformat cannot check it there. */
static char *with_major(const char *place, int major)
{
	const char *at = strstr(place, "%d");

	return at ? xasprintf("%.*s%d%s", (int)(at - place), place, major, at + 2) : xstrdup(place);
}

static bool has_program(const char *directory, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", directory, name);

	return access(path, X_OK) == 0;
}

static bool has_programs(const char *directory)
{
	return has_program(directory, "postgres") && has_program(directory, "initdb");
}

static int start_program(struct capture *c, const char *path, const char *argument, struct err *e)
{
	const char *const argv[] = { path, argument, NULL };
	const struct proc_spec spec = {
		.path = path,
		.argv = argv,
		.envp = (const char *const *)environ,
		.death_signal = SIGKILL,
	};

	return capture_start(c, &spec, e);
}

static int finish_program(struct capture *c, const char *argument, char **output, struct err *e)
{
	char how[64];
	int status;

	if (capture_finish(c, PROGRAM_TIMEOUT_MS, OUTPUT_MOST, output, &status, e) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	capture_describe_status(status, how, sizeof(how));
	/* A program that was killed says nothing of the settings: the next start may go well. */
	err_set(e, WIFSIGNALED(status) ? ERR_SYS : ERR_CONFIG, "\"%s %s\" failed with %s: %.300s",
		c->path, argument, how, *output);
	free(take_ptr(*output));
	return -1;
}

/* "postgres (PostgreSQL) 15.20 (Debian ...)", also "16beta1"; a complaint may stand before it. */
static int parse_version(struct postgres_install *install, const char *output, struct err *e)
{
	static const char before[] = "postgres (PostgreSQL) ";
	const char *said = strstr(output, before);

	if (!said || (said > output && said[-1] != '\n'))
		return err_set(e, ERR_CONFIG, "\"%s -V\" says \"%.100s\", which is not a version",
			install->postgres, output);
	said += sizeof(before) - 1;
	install->version = xstrndup(said, strcspn(said, " \n"));
	install->major = (int)strtol(said, NULL, 10);
	if (install->major < POSTGRES_OLDEST || install->major > POSTGRES_NEWEST)
		return err_set(e, ERR_CONFIG,
			"\"%s\" is PostgreSQL %s; citus-init runs PostgreSQL %d to %d",
			install->postgres, install->version, POSTGRES_OLDEST, POSTGRES_NEWEST);
	return 0;
}

/* Both programs at once: each spends its time in the loading of its libraries. Neither needs a
 * data directory, and both may be run by root. */
static int ask_postgres(struct postgres_install *install, struct err *e)
{
	struct capture version, settings;
	_free_ char *said = NULL;
	_free_ char *described = NULL;
	struct err ignored;

	if (start_program(&version, install->postgres, "-V", e) < 0)
		return -1;
	if (start_program(&settings, install->postgres, "--describe-config", e) < 0) {
		(void)!finish_program(&version, "-V", &said, &ignored);
		return -1;
	}
	int status = finish_program(&settings, "--describe-config", &described, e);
	if (finish_program(&version, "-V", &said, status < 0 ? &ignored : e) < 0 || status < 0)
		return -1;
	install->has_output_plugin_libraries = strstr(described, "\noutput_plugin_libraries\t");
	return parse_version(install, said, e);
}

/* The value of default_version = '13.2-1'. */
static char *default_version(const char *control)
{
	static const char key[] = "default_version";

	for (const char *line = control; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		const char *at = line + sizeof(key) - 1;
		at += strspn(at, " \t=");
		if (*at != '\'')
			continue;
		return xstrndup(at + 1, strcspn(at + 1, "'\n"));
	}
	return xstrdup("");
}

/* 1: found, 0: this is the share directory and Citus is not in it, -1: it is no such directory. */
static int look_in_share(struct postgres_install *install, const char *share)
{
	_free_ char *control = xasprintf("%s/extension/citus.control", share);
	_free_ char *plpgsql = xasprintf("%s/extension/plpgsql.control", share);
	_free_ char *text = NULL;
	struct err ignored;

	if (file_read(control, CONTROL_FILE_MOST, &text, NULL, &ignored) < 0)
		return access(plpgsql, F_OK) == 0 ? 0 : -1;
	install->citus_version = default_version(text);
	return 1;
}

static int fail_without_citus(
	const struct postgres_install *install, const char *share, struct err *e)
{
	_free_ char *real = realpath(share, NULL);

	return err_set(e, ERR_CONFIG,
		"the extension \"citus\" is not installed for PostgreSQL %d in \"%s\": there is no "
		"\"%s/extension/citus.control\"",
		install->major, install->bin_directory, real ? real : share);
}

/* pg_config is not part of every installation, so it is asked last. */
static char *ask_pg_config(const struct postgres_install *install)
{
	_free_ char *path = xasprintf("%s/pg_config", install->bin_directory);
	struct capture c;
	char *said;
	struct err ignored;

	if (access(path, X_OK) < 0 || start_program(&c, path, "--sharedir", &ignored) < 0 ||
		finish_program(&c, "--sharedir", &said, &ignored) < 0)
		return NULL;
	said[strcspn(said, "\n")] = '\0';
	return said;
}

static int find_citus(struct postgres_install *install, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(share_places); i++) {
		_free_ char *place = with_major(share_places[i], install->major);
		_free_ char *share = xasprintf("%s/%s", install->bin_directory, place);
		int found = look_in_share(install, share);

		if (found > 0)
			return 0;
		if (found == 0)
			return fail_without_citus(install, share, e);
	}
	_free_ char *share = ask_pg_config(install);
	int found = share ? look_in_share(install, share) : -1;
	if (found == 0)
		return fail_without_citus(install, share, e);
	if (found < 0)
		install->citus_version = xstrdup("");
	return 0;
}

/* directory holds the programs. */
static int examine(const char *directory, struct postgres_install *install, struct err *e)
{
	_free_ char *link = xasprintf("%s/postgres", directory);
	_free_ char *postgres = realpath(link, NULL);

	if (!postgres)
		return err_sys(e, "could not follow \"%s\"", link);
	/* A link in PATH leads to the tree that the programs find their files in. */
	_free_ char *real = file_parent(postgres);
	if (!has_programs(real))
		return err_set(e, ERR_CONFIG, "\"%s\" is not beside initdb", postgres);
	install->bin_directory = take_ptr(real);
	install->postgres = take_ptr(postgres);
	install->initdb = xasprintf("%s/initdb", install->bin_directory);
	return ask_postgres(install, e) < 0 ? -1 : find_citus(install, e);
}

/* Takes the first that is complete; keeps the error of the first that is not. */
static bool try_place(const char *directory, struct postgres_install *install, struct err *first)
{
	struct err e;

	if (!has_programs(directory))
		return false;
	if (examine(directory, install, &e) == 0)
		return true;
	postgres_install_fini(install);
	if (first->kind == ERR_NONE)
		*first = e;
	return false;
}

static bool search_path(struct postgres_install *install, struct err *first)
{
	const char *variable = getenv("PATH");
	_free_ char *copy = xstrdup(variable ? variable : "");
	char *rest = NULL;

	for (char *d = strtok_r(copy, ":", &rest); d; d = strtok_r(NULL, ":", &rest))
		if (*d == '/' && try_place(d, install, first))
			return true;
	return false;
}

static int search(struct postgres_install *install, struct err *e)
{
	*e = (struct err){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		for (int major = POSTGRES_NEWEST; major >= POSTGRES_OLDEST; major--) {
			_free_ char *directory = with_major(places[i], major);

			if (try_place(directory, install, e))
				return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(fixed_places); i++)
		if (try_place(fixed_places[i], install, e))
			return 0;
	if (search_path(install, e))
		return 0;
	if (e->kind != ERR_NONE)
		return -1;
	return err_set(e, ERR_CONFIG,
		"no PostgreSQL %d to %d with postgres and initdb was found in the usual places or in "
		"PATH: install one, or set CITUS_INIT_POSTGRES_BIN_DIR",
		POSTGRES_OLDEST, POSTGRES_NEWEST);
}

int postgres_install_find(
	const char *bin_directory, struct postgres_install *install, struct err *e)
{
	static const char *const needed[] = { "postgres", "initdb" };

	*install = (struct postgres_install){ 0 };
	if (!bin_directory)
		return search(install, e);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!has_program(bin_directory, needed[i]))
			return err_set(e, ERR_CONFIG,
				"CITUS_INIT_POSTGRES_BIN_DIR: there is no program \"%s/%s\" that "
				"this user may run",
				bin_directory, needed[i]);
	return examine(bin_directory, install, e);
}

void postgres_install_fini(struct postgres_install *install)
{
	free(install->bin_directory);
	free(install->postgres);
	free(install->initdb);
	free(install->version);
	free(install->citus_version);
	*install = (struct postgres_install){ 0 };
}
