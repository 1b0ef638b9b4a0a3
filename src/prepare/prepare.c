#include "prepare/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "base/walk.h"
#include "init/launch.h"
#include "node/address.h"
#include "node/conf.h"
#include "node/identity.h"
#include "node/passfile.h"
#include "node/postgres_install.h"
#include "node/render.h"
#include "node/sample_password.h"
#include "node/server_settings.h"
#include "node/settings.h"
#include "prepare/bootstrap.h"
#include "prepare/privileges.h"
#include "prepare/run_directory.h"
#include "prepare/server_options.h"

#include "base/banned.h"

extern char **environ;

_Static_assert((int)SERVER_SETTING_COUNT <= (int)LAUNCH_OPTIONS_MAX, "all have room in a launch");

/* Everything that is known before anything is touched. */
struct node {
	struct settings *settings;
	struct identity *identity;
	struct postgres_install install;
	char *conf;	     /* the link to the rendered files */
	const char *abandon; /* the cluster whose data directory is to be abandoned, or NULL */
	bool was_root;
	struct user user; /* as root: the server's */
};

/* A message of several lines shows a place in a template: one line of the log for each. */
static enum exit_code fail(const struct err *e)
{
	_free_ char *copy = xstrdup(e->msg);
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_error("%s", line);
	return exit_code_of(e->kind);
}

/* The descriptor of the passwords, when it is ours: only a memory file has seals. */
static int secrets_fd(void)
{
	return fcntl(LAUNCH_FD_SECRETS, F_GET_SEALS) >= 0 ? LAUNCH_FD_SECRETS : -1;
}

/* Logs all errors, one line each. */
static struct settings *load_settings(void)
{
	struct settings_errors errors;
	struct settings *s = settings_load(environ, secrets_fd(), &errors);

	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.messages[i]);
	settings_errors_free(&errors);
	if (s)
		log_configure((enum log_level)settings_number(s, SET_LOG_LEVEL),
			(enum log_format)settings_number(s, SET_LOG_FORMAT));
	return s;
}

static void warn_of_sample_passwords(const struct settings *s)
{
	char names[SAMPLE_PASSWORD_NAMES];

	sample_password_list(s, names, sizeof(names));
	if (*names)
		log_warning("%s: " SAMPLE_PASSWORD_WARNING, names);
}

static int give_directories(const struct settings *s, const struct user *user, struct err *e)
{
	_free_ char *volume = file_parent(settings_text(s, SET_PGDATA));

	_close_ int directory = walk_open_directory(volume, false, e);
	if (directory < 0 || privileges_give_directory(directory, volume, user, e) < 0)
		return -1;
	return run_directory_give(settings_text(s, SET_RUN_DIRECTORY), user, e);
}

/* As root: looks and checks as the server's user, who is what the agent and postgres run as. */
static int lend_root(struct node *node, struct err *e)
{
	node->was_root = geteuid() == 0;
	if (!node->was_root)
		return 0;
	if (user_of_name("postgres", &node->user) < 0 || node->user.uid == 0)
		return err_set(e, ERR_CONFIG,
			"PostgreSQL does not run as root, and /etc/passwd has no user \"postgres\" to "
			"run it as: make one in the image, or run the container as another user");
	return privileges_lend(&node->user, e);
}

/* All that is done as root, when everything has been found right. */
static int leave_root(const struct node *node, struct err *e)
{
	if (!node->was_root)
		return 0;
	if (privileges_resume(e) < 0 || give_directories(node->settings, &node->user, e) < 0)
		return -1;
	return privileges_drop(&node->user, e);
}

static int find_out(struct node *node, struct err *e)
{
	if (postgres_install_find(settings_text(node->settings, SET_BIN_DIR), &node->install, e) <
		0)
		return -1;
	node->conf = conf_directory_of(settings_text(node->settings, SET_PGDATA));
	return 0;
}

static void node_fini(struct node *node)
{
	settings_free(node->settings);
	identity_free(node->identity);
	postgres_install_fini(&node->install);
	free(node->conf);
}

static struct render_input render_input_of(const struct node *node, enum phase phase)
{
	return (struct render_input){
		.settings = node->settings,
		.identity = node->identity,
		.major = node->install.major,
		.has_output_plugin_libraries = node->install.has_output_plugin_libraries,
		.conf_directory = node->conf,
		.phase = phase,
	};
}

static int render(const struct node *node, enum phase phase, struct err *e)
{
	const struct render_input input = render_input_of(node, phase);

	return conf_render(&input, e);
}

/* A template that is broken at a start does not stop a node that has good files. */
static int render_at_start(
	const struct node *node, enum phase phase, enum data_state data, struct err *e)
{
	enum phase last;

	if (render(node, phase, e) == 0)
		return 0;
	if (e->kind != ERR_CONFIG || data == DATA_ABSENT || conf_read_phase(node->conf, &last) < 0)
		return -1;
	fail(e);
	log_warning("the last good files in \"%s\" stay in use, phase=%s", node->conf,
		phase_name(last));
	return 0;
}

/*
 * The phase to start in. A directory that has been set up lets the other nodes read who it is.
 * Everybody stays out until the cluster has recognised it: a volume restored from an older copy, or
 * exchanged for another, would otherwise answer with rows missing, and without an error.
 */
static enum phase first_phase(const struct node *node, enum data_state data)
{
	enum phase last;

	if (data == DATA_ABSENT || conf_read_phase(node->conf, &last) < 0)
		return PHASE_LOCAL;
	return last < PHASE_RECOGNITION ? last : PHASE_RECOGNITION;
}

static int check_leaving(const struct node *node, enum data_state data, struct err *e)
{
	const struct identity *id = node->identity;

	if (data == DATA_OURS || !identity_is_leaving(id))
		return 0;
	return err_set(e, ERR_CONFIG,
		"\"%s\" is beyond the cluster's size and has no data: SET_SIZE is %d (%s), so the "
		"nodes are %s-0 to %s-%d; raise SET_SIZE on all nodes, or lower the replicas of the "
		"StatefulSet",
		id->name, id->size, settings_origin(node->settings, SET_SET_SIZE), id->group,
		id->group, id->size - 1);
}

static int copy_path(char *to, size_t size, const char *path, struct err *e)
{
	if ((size_t)snprintf(to, size, "%s", path) >= size)
		return err_set(e, ERR_CONFIG,
			"the path \"%.200s...\" is longer than %zu characters", path, size - 1);
	return 0;
}

static int hand_over(const struct node *node, enum phase phase, const char *data, struct err *e)
{
	const struct settings *s = node->settings;
	const struct render_input input = render_input_of(node, phase);
	_free_ char *config_file =
		xasprintf("%s/%s", node->conf, render_file_names[RENDER_POSTGRESQL_CONF]);
	_free_ char *passfile = passfile_path(s);
	_free_ char *socket_lock = run_directory_socket_lock(s);
	_free_ char *notify = run_directory_notify(s);
	struct address http = { 0 };
	struct launch launch = {
		.magic = LAUNCH_MAGIC,
		.change_user = node->was_root,
		.uid = geteuid(),
		.gid = getegid(),
		.stop_deadline_ms = (uint32_t)settings_number(s, SET_STOP_DEADLINE) * 1000,
		.restart_limit = (uint32_t)settings_number(s, SET_RESTART_LIMIT),
		.restart_window_s = (uint32_t)settings_number(s, SET_RESTART_WINDOW),
		.log_level = (uint32_t)settings_number(s, SET_LOG_LEVEL),
		.log_format = (uint32_t)settings_number(s, SET_LOG_FORMAT),
	};

	if (address_parse(settings_text(s, SET_HTTP_ADDRESS), &http, e) < 0)
		return -1;
	launch.http_port = (uint32_t)http.port;
	snprintf(launch.node, sizeof(launch.node), "%s", node->identity->name);
	if (copy_path(launch.postgres, sizeof(launch.postgres), node->install.postgres, e) < 0 ||
		copy_path(launch.data_directory, sizeof(launch.data_directory), data, e) < 0 ||
		copy_path(launch.config_file, sizeof(launch.config_file), config_file, e) < 0 ||
		copy_path(launch.passfile, sizeof(launch.passfile), passfile, e) < 0 ||
		copy_path(launch.socket_lock, sizeof(launch.socket_lock), socket_lock, e) < 0 ||
		copy_path(launch.notify_socket, sizeof(launch.notify_socket), notify, e) < 0 ||
		server_options_make(&node->install, data, &input, launch.options,
			sizeof(launch.options), e) < 0)
		return -1;
	return launch_write(LAUNCH_FD_LAUNCH, &launch, e);
}

static int check_abandon(const struct node *node, const char *data, struct err *e)
{
	/* The cluster's memory is in it. */
	if (node->identity->role == ROLE_COORDINATOR)
		return err_set(e, ERR_REFUSED,
			"\"%s\" is the coordinator, whose data directory \"%s\" is never abandoned",
			node->identity->name, data);
	return bootstrap_check_abandon(data, node->abandon, e);
}

/* Whether the node can start, with what data directory. */
static int look(const struct node *node, enum data_state *state, bool *abandons, struct err *e)
{
	const char *data = settings_text(node->settings, SET_PGDATA);

	if (bootstrap_inspect(data, node->install.major, state, e) < 0)
		return -1;
	*abandons = node->abandon && *state == DATA_OURS;
	if (*abandons && check_abandon(node, data, e) < 0)
		return -1;
	if (*abandons)
		*state = DATA_ABSENT;
	return check_leaving(node, *state, e);
}

/* Before root gives anything away. Into a volume that lets only root in, only start() can look. */
static int look_ahead(const struct node *node, struct err *e)
{
	_free_ char *volume = file_parent(settings_text(node->settings, SET_PGDATA));
	enum data_state ignored_state;
	bool ignored;

	if (!node->was_root || (access(volume, X_OK) < 0 && errno == EACCES))
		return 0;
	return look(node, &ignored_state, &ignored, e);
}

/* Looks at everything before it changes anything. Killed anywhere and started again, it ends the
 * same. */
static int start(const struct node *node, struct err *e)
{
	const char *data = settings_text(node->settings, SET_PGDATA);
	enum data_state state;
	bool abandons;

	if (look(node, &state, &abandons, e) < 0 || bootstrap_check_volume(data, e) < 0)
		return -1;
	enum phase phase = first_phase(node, state);

	if (run_directory_make(node->settings, e) < 0 || bootstrap_clean(data, e) < 0)
		return -1;
	if (abandons && bootstrap_abandon(data, node->abandon, e) < 0)
		return -1;
	/* Before the data directory: when that is whole, the files are there too. */
	if (render_at_start(node, phase, state, e) < 0)
		return -1;
	if (state == DATA_ABSENT && bootstrap_create(node->settings, &node->install, e) < 0)
		return -1;
	_free_ char *real_path = realpath(data, NULL);
	if (!real_path)
		return err_sys(e, "could not follow \"%s\"", data);
	if (bootstrap_close(real_path, e) < 0)
		return -1;
	log_info("\"%s\" is the %s of %d nodes, host=%s postgres=%s citus=%s phase=%s",
		node->identity->name, role_name(node->identity->role), node->identity->size,
		node->identity->host, node->install.version, node->install.citus_version,
		phase_name(phase));
	return hand_over(node, phase, real_path, e);
}

static enum exit_code prepare(struct node *node)
{
	struct err e;

	if (lend_root(node, &e) < 0)
		return fail(&e);
	node->settings = load_settings();
	if (!node->settings)
		return EXIT_SETTINGS;
	node->identity = identity_here(node->settings, &e);
	if (!node->identity)
		return fail(&e);
	if (find_out(node, &e) < 0 || look_ahead(node, &e) < 0 || leave_root(node, &e) < 0)
		return fail(&e);
	warn_of_sample_passwords(node->settings);
	return start(node, &e) < 0 ? fail(&e) : EXIT_OK;
}

/* Fills what is asked for; -1 when the command line is wrong. */
static int parse_options(int argc, char **argv, const char **abandon)
{
	*abandon = NULL;
	if (argc == 1)
		return 0;
	if (argc != 3 || strcmp(argv[1], "--abandon") != 0 || !uuid_is_valid(argv[2]))
		return -1;
	*abandon = argv[2];
	return 0;
}

int prepare_main(int argc, char **argv)
{
	struct node node = { 0 };

	log_init("prepare", LOG_WAIT);
	if (parse_options(argc, argv, &node.abandon) < 0) {
		log_error("usage: citus-init prepare [--abandon CLUSTER-ID]");
		return EXIT_USAGE;
	}
	umask(022);
	enum exit_code code = prepare(&node);
	node_fini(&node);
	return code;
}
