#include "agent/agent.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/launch_fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "cluster/loop.h"
#include "init/control.h"
#include "node/conf.h"
#include "node/databases.h"
#include "node/identity.h"
#include "node/sample_password.h"
#include "node/settings.h"
#include "report/readings.h"
#include "report/http.h"
#include "setup/abandon.h"
#include "setup/gate.h"
#include "setup/knock.h"
#include "setup/setup.h"
#include "sql/sql.h"
#include "sqlfiles/sql_files.h"
#include "statements.h"
#include "view/view.h"

#include "base/banned.h"

enum {
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* A new node hears by NOTIFY that it is a member; this look makes up for a lost one. */
	LOOK_MS = 30 * 1000,
	SIZE_MS = 15 * 1000,
	QUIET_TIMEOUT_MS = 800,
};

struct agent {
	struct event_base *loop;
	struct settings *settings;
	struct node_view view;
	char *socket_directory;
	struct event *control;
	struct event *beat;
	struct event *setup_timer; /* the next set-up, or look at what may have changed */
	struct event *http_timer;
	struct event *size_timer;    /* on the coordinator: SET_SIZE is read again */
	struct event *cluster_timer; /* the loop is opened anew */
	char size_complaint[512];
	int64_t setup_retry_ms, http_retry_ms;
	struct http *http;
	struct setup *setup;
	struct gate *gate;
	struct cluster_loop *cluster; /* on the coordinator, once it is set up */
	struct sql_files *sql_files;
	struct reader *readings;
	struct knock *knock;	/* on a worker */
	struct sql *quieter;	/* quiets Citus' daemon before a stop */
	struct sql *taker;	/* writes down what the coordinator's memory says about this node */
	char next_id[40];	/* being taken */
	struct abandon abandon; /* on a worker */
	bool looks_again;	/* something was heard while a look was under way */
};

extern char **environ;

static void run_setup(struct agent *a);

static bool postgres_is_ready(const struct agent *a)
{
	return a->view.postgres == POSTGRES_READY;
}

/*
 * Whether ordinary roles may log in. A worker must be registered, and the coordinator must have
 * seen who it is: a directory restored from an older copy would answer with rows missing. So would
 * one that somebody disabled, or removed from Citus: the coordinator shuts it while it runs. The
 * coordinator must have been formed, and no worker may remember another one, or a later one. A node
 * that is open has been through that since PID 1 started, and stays open over a restart of
 * postgres.
 */
static bool may_serve(const struct agent *a)
{
	bool is_open = a->view.phase == PHASE_OPEN;

	if (a->view.identity->role == ROLE_WORKER)
		return a->view.group > 0 && a->view.shut == MEMBER_UNKNOWN &&
		       (a->view.admitted || is_open);
	enum member_state own =
		a->view.cluster ? a->view.cluster->members[0].state : MEMBER_UNKNOWN;
	/* A member that still has old addresses would ask whoever is there. */
	bool is_right = own == MEMBER_OURS && (is_open || !a->view.cluster->has_stale);

	return a->view.formed && (is_right || (own == MEMBER_UNKNOWN && is_open));
}

/* Asks for the phase that follows from all that is known now. */
static void decide_phase(struct agent *a)
{
	a->view.member = may_serve(a);
	if (postgres_is_ready(a) && a->view.setup == SETUP_DONE)
		gate_want(a->gate, a->view.member ? PHASE_OPEN : PHASE_CLUSTER);
}

static void decide_knock(struct agent *a)
{
	if (!a->knock)
		return;
	if (postgres_is_ready(a) && a->view.phase >= PHASE_RECOGNITION && !a->view.member)
		knock_start(a->knock);
	else
		knock_stop(a->knock);
}

static void decide_sql_files(struct agent *a)
{
	if (a->sql_files && postgres_is_ready(a) && a->view.member && a->view.phase == PHASE_OPEN)
		sql_files_start(a->sql_files);
}

static void on_gate_changed(void *ctx)
{
	struct agent *a = ctx;

	decide_knock(a);
	decide_sql_files(a);
}

static void look(struct agent *a)
{
	a->looks_again = setup_is_busy(a->setup);
	if (!a->looks_again && postgres_is_ready(a))
		run_setup(a);
}

/* The rest of the set-up follows. */
static void become_recognised(struct agent *a)
{
	if (a->view.recognised)
		return;
	log_info("this data directory is recognised");
	a->view.recognised = true;
	look(a);
}

static void on_cluster_changed(void *ctx)
{
	struct agent *a = ctx;

	if (a->view.cluster->reach > a->view.cluster->count)
		timer_set(a->cluster_timer, 0);
	a->view.formed = a->view.cluster->formed;
	memcpy(a->view.cluster_id, a->view.cluster->id, sizeof(a->view.cluster_id));
	if (a->view.cluster->members[0].state == MEMBER_OURS)
		become_recognised(a);
	decide_phase(a);
}

static void open_cluster(struct agent *a, int reach)
{
	a->cluster = cluster_loop_open(
		a->loop, a->settings, &a->view, a->socket_directory, reach, on_cluster_changed, a);
}

/* For another number of members. What was under way begins anew. */
static void on_cluster_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	(void)fd;
	(void)what;
	if (!a->cluster)
		return;
	int reach = a->view.cluster->reach;
	cluster_loop_close(a->cluster);
	open_cluster(a, reach);
}

/* A file that is mounted changes while the node lives. */
static void on_size_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct settings_errors errors = { 0 };

	(void)fd;
	(void)what;
	struct settings *s = settings_load_without_secrets(environ, &errors);
	if (!s && strcmp(a->size_complaint, errors.messages[0]) != 0)
		log_warning("the settings are wrong now, and those that were read at the start "
			    "stay: %s",
			errors.messages[0]);
	snprintf(a->size_complaint, sizeof(a->size_complaint), "%s", s ? "" : errors.messages[0]);
	settings_errors_free(&errors);
	if (!s)
		return;
	int size = (int)settings_number(s, SET_SET_SIZE);
	if (size != a->view.size) {
		log_info("SET_SIZE is %d now, and was %d", size, a->view.size);
		a->view.size = size;
		on_cluster_timer(-1, 0, a);
	}
	settings_free(s);
}

static void on_heard(void *ctx, const char *payload)
{
	struct agent *a = ctx;

	if (!payload)
		timer_set(a->setup_timer, RETRY_FIRST_MS);
	else if (a->cluster)
		cluster_loop_wake(a->cluster, payload);
	else if (a->knock && !a->view.recognised)
		knock_start(a->knock);
	else
		look(a);
}

static int bind_abandoned(void *ctx, const char *parameters[])
{
	const struct agent *a = ctx;

	parameters[0] = a->view.cluster_id;
	return 1;
}

static const struct sql_step take_abandonment[] = {
	{ .name = "remember that this cluster is to be abandoned",
		.sql = sql_setup_take_abandonment,
		.bind = bind_abandoned },
};

static int bind_next_id(void *ctx, const char *parameters[])
{
	const struct agent *a = ctx;

	parameters[0] = a->view.cluster_id;
	parameters[1] = a->next_id;
	return 2;
}

static const struct sql_step take_next_id[] = {
	{ .name = "take the id that this copy of the cluster is to have",
		.sql = sql_setup_take_next_id,
		.bind = bind_next_id },
};

/* The look that follows goes by it; a failure is made up for at the next knock. */
static void on_taken(void *ctx, const struct err *failure)
{
	struct agent *a = ctx;

	sql_disconnect(a->taker);
	if (failure)
		log_warning("%s", failure->msg);
	else
		look(a);
}

static void on_answered(void *ctx, const struct knock_answer *answer)
{
	struct agent *a = ctx;

	if (!postgres_is_ready(a))
		return;
	if (answer->recognised)
		become_recognised(a);
	if (sql_is_busy(a->taker))
		return;
	if (answer->abandon[0] && strcmp(answer->abandon, a->view.cluster_id) == 0) {
		sql_run(a->taker, take_abandonment, ARRAY_LEN(take_abandonment), a, on_taken);
	} else if (answer->next_id[0]) {
		log_warning("this copy of cluster %s becomes cluster %s", a->view.cluster_id,
			answer->next_id);
		memcpy(a->next_id, answer->next_id, sizeof(a->next_id));
		sql_run(a->taker, take_next_id, ARRAY_LEN(take_next_id), a, on_taken);
	}
}

static void on_setup_failed(struct agent *a, const struct err *failure)
{
	a->setup_retry_ms = clock_backoff_ms(a->setup_retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	timer_set(a->setup_timer, clock_jitter_ms(a->setup_retry_ms));
	/* Another node's directory serves nobody, but the coordinator may look at it. */
	if (failure->kind == ERR_REFUSED)
		gate_want(a->gate, PHASE_RECOGNITION);
	if (a->view.lacks_library)
		gate_want(a->gate, PHASE_LOCAL);
	if (a->view.setup == SETUP_DONE)
		return; /* a look failed; what was set up stays so */
	a->view.setup = SETUP_FAILED;
	if (strcmp(a->view.setup_error, failure->msg) != 0)
		log_error("local set-up failed, will try again: %s", failure->msg);
	memcpy(a->view.setup_error, failure->msg, sizeof(a->view.setup_error));
}

/* What the cluster is told of this node. */
static void join_in(struct agent *a)
{
	if (a->view.identity->role == ROLE_COORDINATOR && !a->cluster)
		open_cluster(a, 0);
	/* Tells the coordinator that this node is here, or back. */
	if (a->knock && a->view.phase >= PHASE_RECOGNITION)
		knock_start(a->knock);
}

static void wait_for_recognition(struct agent *a)
{
	a->view.setup = SETUP_UNRECOGNISED;
	gate_want(a->gate, PHASE_RECOGNITION);
	join_in(a);
}

static void finish_setup(struct agent *a)
{
	bool was_done = a->view.setup == SETUP_DONE;

	a->view.setup = SETUP_DONE;
	if (!was_done) {
		log_info("local set-up is done postgres=%s citus=%s", a->view.version,
			a->view.citus);
		if (a->view.agent_restarts > 0)
			gate_reload(a->gate);
		if (a->cluster)
			cluster_loop_enter(a->cluster);
		join_in(a);
	}
	decide_phase(a);
	decide_knock(a);
	decide_sql_files(a);
}

static void on_setup_done(void *ctx, const struct err *failure)
{
	struct agent *a = ctx;

	if (!postgres_is_ready(a))
		return; /* the server went away meanwhile; its return starts anew */
	abandon_look(
		&a->abandon, &a->view, settings_text(a->settings, SET_PGDATA), LAUNCH_FD_CONTROL);
	if (failure) {
		on_setup_failed(a, failure);
		return;
	}
	a->view.setup_error[0] = '\0';
	a->setup_retry_ms = 0;
	if (a->view.recognised)
		finish_setup(a);
	else
		wait_for_recognition(a);
	if (a->looks_again)
		look(a);
	else if (a->view.identity->role == ROLE_WORKER && a->view.recognised)
		timer_set(a->setup_timer, clock_jitter_ms(LOOK_MS));
}

static void run_setup(struct agent *a)
{
	a->looks_again = false;
	if (a->view.setup == SETUP_DONE) {
		setup_look(a->setup, on_setup_done, a);
		return;
	}
	a->view.setup = SETUP_RUNNING;
	setup_run(a->setup, on_setup_done, a);
}

static void on_setup_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/* Ends everything that talks to the server; HTTP goes on showing what is known. */
static void leave_server(struct agent *a)
{
	a->view.setup = SETUP_WAITING;
	evtimer_del(a->setup_timer);
	gate_reset(a->gate);
	setup_reset(a->setup);
	sql_reset(a->taker);
	readings_reset(a->readings);
	if (a->cluster)
		cluster_loop_close(take_ptr(a->cluster));
	if (a->knock)
		knock_stop(a->knock);
	if (a->sql_files)
		sql_files_stop(a->sql_files);
}

static void on_postgres(struct agent *a, const struct control_message *m)
{
	bool was_ready = postgres_is_ready(a);

	a->view.postgres = m->postgres.state;
	a->view.postgres_pid = m->postgres.pid;
	a->view.postgres_restarts = m->postgres.restarts;
	a->view.agent_restarts = m->postgres.agent_restarts;
	a->view.postgres_was_ready |= postgres_is_ready(a);
	a->view.postgres_was_ready &=
		m->postgres.state == POSTGRES_READY || m->postgres.state == POSTGRES_STOPPING;
	if (postgres_is_ready(a) && !was_ready)
		look(a);
	else if (!postgres_is_ready(a) && was_ready)
		leave_server(a);
}

static void say_stop_ready(struct agent *a)
{
	struct control_message m = { .type = CONTROL_STOP_READY };

	(void)!control_send(event_get_fd(a->control), &m);
}

static const struct sql_step quiet[] = {
	{ .name = "quiet Citus' daemon: 2PC recovery",
		.sql = "alter system set citus.recover_2pc_interval = -1" },
	{ .name = "quiet Citus' daemon: deadlock detection",
		.sql = "alter system set citus.distributed_deadlock_detection_factor = -1" },
	{ .name = "quiet Citus' daemon: removal of orphaned shards",
		.sql = "alter system set citus.defer_shard_delete_interval = -1" },
	{ .name = "reload the configuration", .sql = "select pg_reload_conf()" },
};

static void on_quiet(void *ctx, const struct err *failure)
{
	struct agent *a = ctx;

	if (failure)
		log_warning("the stop may take longer: %s", failure->msg);
	say_stop_ready(a);
}

/*
 * Citus' daemon ignores SIGTERM while it waits for a peer's answer, so a frozen peer can keep a
 * fast shutdown from ever ending. A daemon that is quieted in time asks no peer. The set-up of
 * the next start undoes it.
 */
static void on_stop(struct agent *a)
{
	bool silent_peer = false;

	for (int i = 1; a->view.cluster && i < a->view.cluster->count; i++) {
		const struct member *m = &a->view.cluster->members[i];
		silent_peer |= m->group > 0 && !m->reachable;
	}
	bool was_ready = postgres_is_ready(a);

	a->view.postgres = POSTGRES_STOPPING;
	if (was_ready)
		leave_server(a);
	if (silent_peer && was_ready && !sql_is_busy(a->quieter))
		sql_run(a->quieter, quiet, ARRAY_LEN(quiet), a, on_quiet);
	else
		say_stop_ready(a);
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct control_message m;
	int got;

	(void)what;
	while ((got = control_receive(fd, &m)) > 0) {
		switch ((enum control_type)m.type) {
		case CONTROL_POSTGRES: on_postgres(a, &m); break;
		case CONTROL_STOP: on_stop(a); break;
		case CONTROL_BEAT:
		case CONTROL_STOP_READY:
		case CONTROL_WANT_ABANDON:
		case CONTROL_TYPE_COUNT: break; /* ours to send */
		}
	}
	if (got < 0)
		event_base_loopbreak(a->loop); /* PID 1 is gone */
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct control_message m = { .type = CONTROL_BEAT };

	(void)fd;
	(void)what;
	(void)!control_send(event_get_fd(a->control), &m);
}

static void on_scraped(void *ctx)
{
	struct agent *a = ctx;

	readings_refresh(a->readings);
}

static void on_http_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct err e;

	(void)fd;
	(void)what;
	a->http = http_open(a->loop, settings_text(a->settings, SET_HTTP_ADDRESS), &a->view, &e);
	if (a->http) {
		http_on_scraped(a->http, on_scraped, a);
		return;
	}
	if (a->http_retry_ms == 0)
		log_error("no probes, metrics or status, will try again: %s", e.msg);
	a->http_retry_ms = clock_backoff_ms(a->http_retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	timer_set(a->http_timer, clock_jitter_ms(a->http_retry_ms));
}

static void open_parts(struct agent *a)
{
	const struct identity *id = a->view.identity;
	const struct timeval beat = { .tv_sec = CONTROL_BEAT_MS / 1000 };

	a->loop = event_base_new();
	a->control = event_new(a->loop, LAUNCH_FD_CONTROL, EV_READ | EV_PERSIST, on_control, a);
	event_add(a->control, NULL);
	a->beat = event_new(a->loop, -1, EV_PERSIST, on_beat, a);
	event_add(a->beat, &beat);
	a->setup_timer = evtimer_new(a->loop, on_setup_timer, a);
	a->http_timer = evtimer_new(a->loop, on_http_timer, a);
	a->cluster_timer = evtimer_new(a->loop, on_cluster_timer, a);
	a->size_timer = event_new(a->loop, -1, EV_PERSIST, on_size_timer, a);
	if (id->role == ROLE_COORDINATOR)
		timer_set(a->size_timer, SIZE_MS);
	a->setup = setup_open(a->loop, a->settings, &a->view, a->socket_directory, on_heard, a);
	a->gate =
		gate_open(a->loop, a->settings, &a->view, a->socket_directory, on_gate_changed, a);
	a->readings = readings_open(a->loop, &a->view, a->socket_directory);
	a->quieter = sql_open_local(
		a->loop, a->socket_directory, id->port, DATABASE_HOME, QUIET_TIMEOUT_MS);
	a->taker = sql_open_local(
		a->loop, a->socket_directory, id->port, DATABASE_HOME, RETRY_MOST_MS);
	if (id->role == ROLE_WORKER)
		a->knock = knock_open(a->loop, a->settings, &a->view, on_answered, a);
	else
		a->sql_files = sql_files_open(a->loop, a->settings, &a->view, a->socket_directory);
	on_beat(-1, 0, a);
	on_http_timer(-1, 0, a);
}

static void close_parts(struct agent *a)
{
	if (a->cluster)
		cluster_loop_close(a->cluster);
	knock_close(a->knock);
	sql_files_close(a->sql_files);
	sql_close(a->taker);
	sql_close(a->quieter);
	readings_close(a->readings);
	gate_close(a->gate);
	setup_close(a->setup);
	http_close(a->http);
	event_free(a->size_timer);
	event_free(a->cluster_timer);
	event_free(a->http_timer);
	event_free(a->setup_timer);
	event_free(a->beat);
	event_free(a->control);
	event_base_free(a->loop);
	free(a->socket_directory);
}

static int load(struct agent *a, struct identity **id)
{
	struct settings_errors errors = { 0 };
	struct err e;

	a->settings = settings_load(environ, LAUNCH_FD_SECRETS, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.messages[i]);
	settings_errors_free(&errors);
	if (!a->settings)
		return EXIT_SETTINGS;
	log_configure((enum log_level)settings_number(a->settings, SET_LOG_LEVEL),
		(enum log_format)settings_number(a->settings, SET_LOG_FORMAT));
	*id = identity_here(a->settings, &e);
	if (!*id) {
		log_error("%s", e.msg);
		return exit_code_of(e.kind);
	}
	_free_ char *conf = conf_directory_of(settings_text(a->settings, SET_PGDATA));
	if (conf_read_phase(conf, &a->view.phase) < 0)
		a->view.phase = PHASE_LOCAL;
	a->socket_directory = xasprintf("%s/socket", settings_text(a->settings, SET_RUN_DIRECTORY));
	sample_password_list(
		a->settings, a->view.sample_passwords, sizeof(a->view.sample_passwords));
	a->view.identity = *id;
	a->view.group = -1;
	a->view.size = (*id)->size;
	a->view.recognised = a->view.phase >= PHASE_CLUSTER;
	a->view.started_ms = clock_now_ms();
	return EXIT_OK;
}

int agent_main(int argc, char **argv)
{
	struct agent a = { .loop = NULL };
	struct identity *id = NULL;

	(void)argv;
	log_init("agent", LOG_DROP);
	if (argc != 1) {
		log_error("agent takes no arguments; it is started by run");
		return EXIT_USAGE;
	}
	/* No OpenSSL configuration in the base image may change how TLS and hashes work here. */
	setenv("OPENSSL_CONF", "/dev/null", 1);
	signal(SIGPIPE, SIG_IGN);
	int code = load(&a, &id);
	if (code == EXIT_OK) {
		open_parts(&a);
		event_base_dispatch(a.loop);
		close_parts(&a);
	}
	identity_free(id);
	settings_free(a.settings);
	return code;
}
