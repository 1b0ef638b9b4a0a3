#include "local/preflight.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/secret.h"
#include "local/environment.h"
#include "local/report.h"
#include "node/settings.h"

#include "base/banned.h"

/* The nodes of a local that was killed stop within this time. */
enum { FORMER_PATIENCE_MS = 30 * 1000 };

/* The longest socket below DIR must fit into sun_path, which holds 107 characters (unix(7)). */
static const char longest_socket[] = "/citus-249/run/socket/.s.PGSQL.65535";
enum { SOCKET_PATH_MAX = 107 };

static int check_length(const struct state *s, struct err *e)
{
	size_t most = SOCKET_PATH_MAX - (sizeof(longest_socket) - 1);

	if (strlen(s->directory) <= most)
		return 0;
	return err_set(e, ERR_CONFIG,
		"the name of directory \"%s\" is too long: with more than %zu characters, the "
		"sockets below it cannot be made; name a shorter one with --dir or TMPDIR",
		s->directory, most);
}

static struct settings *load_settings(const struct preflight *p, char *const *environment)
{
	struct settings_errors errors = { 0 };
	char **node = environment_of_node(environment, &p->state, 0);
	struct settings *settings = settings_load(node, -1, &errors);

	for (size_t i = 0; i < errors.count; i++)
		report_error(errors.messages[i]);
	settings_errors_free(&errors);
	environment_free(node);
	return settings;
}

/* Waits a moment for one of the stop signals, which this process blocks: whether one came. */
static bool wait_for_signal(void)
{
	const struct timespec moment = { .tv_nsec = 250 * 1000 * 1000 };
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigdelset(&blocked, SIGCHLD);
	return sigtimedwait(&blocked, NULL, &moment) > 0;
}

static int take_network(struct state *s, struct err *e)
{
	int64_t deadline = clock_now_ms() + FORMER_PATIENCE_MS;
	bool told = false;

	while (network_take(&s->network, s->nodes, e) < 0) {
		if (e->kind != ERR_BUSY || clock_now_ms() > deadline)
			return -1;
		if (!told)
			report_event(NULL, "waiting: %s", e->msg);
		told = true;
		if (wait_for_signal())
			return err_wrap(e, "interrupted while waiting for the addresses");
	}
	return 0;
}

static int check_paths(const struct preflight *p, const struct settings *settings, struct err *e)
{
	const char *bin_dir = settings_text(settings, SET_BIN_DIR);
	const char *config = settings_text(settings, SET_CONFIG_FILE);
	_free_ char *postgres = bin_dir ? xasprintf("%s/postgres", bin_dir) : NULL;
	_free_ char *initdb = bin_dir ? xasprintf("%s/initdb", bin_dir) : NULL;
	const struct reach paths[] = {
		{ p->state.directory, X_OK, "the cluster's directory",
			"name another one with --dir, or give others the right to enter (chmod o+x)" },
		{ postgres, X_OK, "the program postgres",
			"give others the right to enter and to run it, or name another directory" },
		{ initdb, X_OK, "the program initdb",
			"give others the right to enter and to run it, or name another directory" },
		{ config && access(config, F_OK) == 0 ? config : NULL, R_OK, "the INI file",
			"give others the right to read it" },
		{ PROC_SELF, X_OK, "citus-init itself",
			"give others the right to run it (chmod o+rx)" },
		{ 0 },
	};

	return reach_check(&p->user, paths, e);
}

/* DIR/env: the connection for a shell, so that no password stands in a command line. */
static int write_script(const struct state *s, struct err *e)
{
	_free_ char *path = state_path(s, "env");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return err_sys(e, "could not write \"%s\"", path);
	environment_print_script(out, s);
	fclose(out);
	int result = file_replace(path, text, size, 0600, e);
	secret_free(text);
	return result;
}

static int settle(struct preflight *p, const struct settings *settings, struct err *e)
{
	struct state *s = &p->state;

	p->stop_deadline_s = settings_number(settings, SET_STOP_DEADLINE);
	if (check_paths(p, settings, e) < 0)
		return -1;
	if (s->is_new ? network_choose(&s->network, s->nodes,
				(int)settings_number(settings, SET_PORT), e) < 0
		      : take_network(s, e) < 0)
		return -1;
	return state_save(s, e) < 0 ? -1 : write_script(s, e);
}

int preflight(struct preflight *p, const struct options *o, char *const *environment, struct err *e)
{
	p->state = STATE_CLOSED;
	if (reach_user(&p->user, e) < 0 || state_open(&p->state, o->dir, o->nodes, e) < 0 ||
		check_length(&p->state, e) < 0)
		return -1;
	struct settings *settings = load_settings(p, environment);
	if (!settings)
		return err_set(e, ERR_CONFIG, "nothing was started: the settings above are wrong");
	int result = settle(p, settings, e);
	settings_free(settings);
	return result;
}
