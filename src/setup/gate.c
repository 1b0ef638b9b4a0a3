#include "setup/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "node/conf.h"
#include "node/databases.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

enum {
	STATEMENT_TIMEOUT_MS = 10 * 1000,
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* How long the postmaster may take to act on a reload before it is sent again. */
	CONFIRM_EVERY_MS = 1,
	CONFIRM_TIMES = 2000,
};

struct gate {
	const struct settings *settings;
	struct node_view *view;
	char *conf;
	struct sql *sql;
	struct event *timer; /* the next try, or the next look at the load time */
	bool is_reloading;
	enum phase wanted;
	enum phase written; /* what conf holds */
	int64_t retry_ms;
	char complaint[1200]; /* the last one, which is not repeated; "" after a success */
	char loaded_at[64];   /* pg_conf_load_time() before the reload */
	bool is_loaded;
	int confirmations;
	gate_changed_fn changed;
	void *ctx;
};

static void pursue(struct gate *g);

static int on_load_time(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gate *g = ctx;

	(void)e;
	sql_copy_field(g->loaded_at, sizeof(g->loaded_at), result, row, 0);
	return 0;
}

static int on_hba_error(void *ctx, const PGresult *result, int row, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_CONFIG, "pg_hba.conf line %s: %s", sql_field(result, row, 0),
		sql_field(result, row, 1));
}

static int bind_load_time(void *ctx, const char *parameters[])
{
	const struct gate *g = ctx;

	parameters[0] = g->loaded_at;
	return 1;
}

static int on_loaded(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct gate *g = ctx;

	(void)e;
	g->is_loaded = strcmp(sql_field(result, row, 0), "t") == 0;
	return 0;
}

static int if_it_closes(void *ctx, const char *parameters[])
{
	const struct gate *g = ctx;

	(void)parameters;
	return g->is_loaded && g->view->phase == PHASE_OPEN && g->written < PHASE_OPEN ? 0
										       : SQL_SKIP;
}

static const struct sql_step reload[] = {
	{ .name = "check pg_hba.conf", .sql = sql_setup_read_hba_error, .on_row = on_hba_error },
	{ .name = "read the time of the last reload",
		.sql = "select pg_conf_load_time()",
		.on_row = on_load_time },
	{ .name = "reload the configuration", .sql = "select pg_reload_conf()" },
};

/*
 * A backend hears of a reload from the postmaster, which reads pg_hba.conf before it serves the
 * next connection (postmaster.c, SIGHUP_handler): once our session has the new load time, every
 * later connection meets the new file.
 */
static const struct sql_step confirm[] = {
	{ .name = "confirm the reload",
		.sql = "select pg_conf_load_time() > $1::timestamptz",
		.bind = bind_load_time,
		.on_row = on_loaded },
	{ .name = "end the sessions that are admitted no more",
		.sql = sql_setup_end_sessions,
		.bind = if_it_closes },
};

static void try_again(struct gate *g, const char *why)
{
	char complaint[sizeof(g->complaint)];

	snprintf(complaint, sizeof(complaint), "could not set phase \"%s\", will try again: %s",
		phase_name(g->wanted), why);
	if (strcmp(complaint, g->complaint) != 0) {
		log_warning("%s", complaint);
		snprintf(g->complaint, sizeof(g->complaint), "%s", complaint);
	}
	sql_disconnect(g->sql);
	g->is_reloading = false;
	g->retry_ms = clock_backoff_ms(g->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	timer_set(g->timer, clock_jitter_ms(g->retry_ms));
}

static void on_confirmed(void *ctx, const struct err *failure)
{
	struct gate *g = ctx;
	bool is_new = g->view->phase != g->written;

	if (failure) {
		try_again(g, failure->msg);
		return;
	}
	if (!g->is_loaded) {
		if (++g->confirmations == CONFIRM_TIMES)
			try_again(g, "the server has not reloaded its configuration");
		else
			timer_set(g->timer, CONFIRM_EVERY_MS);
		return;
	}
	/* The session stays open for a while: the next phase may follow at once, and a new session
	 * costs more than all the rest. */
	if (g->written == PHASE_OPEN)
		sql_disconnect(g->sql);
	g->is_reloading = false;
	g->retry_ms = 0;
	g->complaint[0] = '\0';
	g->view->phase = g->written;
	if (is_new)
		log_info("phase is in force phase=%s", phase_name(g->written));
	if (g->wanted != g->written)
		pursue(g);
	if (is_new)
		g->changed(g->ctx);
}

static void on_reloaded(void *ctx, const struct err *failure)
{
	struct gate *g = ctx;

	g->is_loaded = false;
	g->confirmations = 0;
	if (failure)
		try_again(g, failure->msg);
	else
		sql_run(g->sql, confirm, ARRAY_LEN(confirm), g, on_confirmed);
}

static void start_reload(struct gate *g)
{
	g->is_reloading = true;
	sql_run(g->sql, reload, ARRAY_LEN(reload), g, on_reloaded);
}

/*
 * Blocks the loop for four small files and their syncs, while the node is not open yet and nobody
 * waits for it. The version comes from the running server, which reads the files, not from the
 * installed programs. It may be another minor after a restart in place, when packages were
 * upgraded meanwhile; the set-up has then read it anew.
 */
static int write_conf(struct gate *g, struct err *e)
{
	const struct render_input input = {
		.settings = g->settings,
		.identity = g->view->identity,
		.major = g->view->major,
		.has_output_plugin_libraries = g->view->has_output_plugin_libraries,
		.conf_directory = g->conf,
		.phase = g->wanted,
	};

	int status = conf_render(&input, e);
	/* It may have failed after the new files were in place. */
	enum phase held;
	if (conf_read_phase(g->conf, &held) == 0)
		g->written = held;
	return status;
}

static void pursue(struct gate *g)
{
	struct err e;

	if (g->is_reloading || (g->wanted == g->view->phase && g->wanted == g->written))
		return;
	evtimer_del(g->timer);
	if (g->wanted != g->written && write_conf(g, &e) < 0)
		try_again(g, e.msg);
	else
		start_reload(g);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd;
	(void)what;
	if (g->is_reloading)
		sql_run(g->sql, confirm, ARRAY_LEN(confirm), g, on_confirmed);
	else
		pursue(g);
}

struct gate *gate_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, gate_changed_fn changed, void *ctx)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	g->settings = settings;
	g->view = view;
	g->conf = conf_directory_of(settings_text(settings, SET_PGDATA));
	g->wanted = g->written = view->phase;
	g->changed = changed;
	g->ctx = ctx;
	g->sql = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_HOME, STATEMENT_TIMEOUT_MS);
	g->timer = evtimer_new(loop, on_timer, g);
	return g;
}

void gate_close(struct gate *g)
{
	sql_close(g->sql);
	event_free(g->timer);
	free(g->conf);
	free(g);
}

void gate_want(struct gate *g, enum phase phase)
{
	g->wanted = phase;
	pursue(g);
}

void gate_reload(struct gate *g)
{
	if (!g->is_reloading)
		start_reload(g);
}

void gate_reset(struct gate *g)
{
	evtimer_del(g->timer);
	sql_reset(g->sql);
	g->is_reloading = false;
	g->retry_ms = 0;
	/* A server that starts reads what conf holds. */
	g->view->phase = g->written;
}
