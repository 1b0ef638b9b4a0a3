#include "setup/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "init/control.h"
#include "node/databases.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

enum {
	STATEMENT_TIMEOUT_MS = 10 * 1000,
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* How long the postmaster may take to act on a reload before it is sent again. */
	CONFIRM_EVERY_MS = 5,
	CONFIRM_TIMES = 400,
};

enum gate_state {
	GATE_IDLE,
	GATE_RENDERING, /* PID 1 has been asked */
	GATE_RELOADING, /* the server has */
};

struct gate {
	struct node_view *view;
	struct sql *sql;
	struct event *timer; /* the next try, or the next look at the load time */
	int control_fd;
	enum gate_state state;
	enum phase wanted;
	enum phase rendered; /* what conf holds */
	int64_t retry_ms;
	char loaded_at[64]; /* pg_conf_load_time() before the reload */
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
};

static void try_again(struct gate *g, const char *why)
{
	log_warning("could not set phase \"%s\", will try again: %s", phase_name(g->wanted), why);
	sql_disconnect(g->sql);
	g->state = GATE_IDLE;
	g->retry_ms = clock_backoff_ms(g->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	timer_set(g->timer, clock_jitter_ms(g->retry_ms));
}

static void on_confirmed(void *ctx, const struct err *failure)
{
	struct gate *g = ctx;
	bool is_new = g->view->phase != g->rendered;

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
	sql_disconnect(g->sql);
	g->state = GATE_IDLE;
	g->retry_ms = 0;
	g->view->phase = g->rendered;
	if (is_new)
		log_info("phase is in force phase=%s", phase_name(g->rendered));
	if (g->wanted != g->rendered)
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
	g->state = GATE_RELOADING;
	sql_run(g->sql, reload, ARRAY_LEN(reload), g, on_reloaded);
}

static void pursue(struct gate *g)
{
	struct control_message request = { .type = CONTROL_WANT_PHASE, .phase.phase = g->wanted };

	if (g->state != GATE_IDLE || g->wanted == g->view->phase)
		return;
	evtimer_del(g->timer);
	if (g->wanted == g->rendered) {
		start_reload(g);
	} else if (control_send(g->control_fd, &request) < 0) {
		try_again(g, "PID 1 does not take the message");
	} else {
		g->state = GATE_RENDERING;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd;
	(void)what;
	if (g->state == GATE_RELOADING)
		sql_run(g->sql, confirm, ARRAY_LEN(confirm), g, on_confirmed);
	else
		pursue(g);
}

struct gate *gate_open(struct event_base *loop, struct node_view *view,
	const char *socket_directory, int control_fd, gate_changed_fn changed, void *ctx)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	g->view = view;
	g->wanted = g->rendered = view->phase;
	g->control_fd = control_fd;
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
	free(g);
}

void gate_want(struct gate *g, enum phase phase)
{
	g->wanted = phase;
	pursue(g);
}

void gate_reload(struct gate *g)
{
	if (g->state == GATE_IDLE)
		start_reload(g);
}

void gate_on_rendered(struct gate *g, enum phase phase, int status)
{
	if (g->state != GATE_RENDERING)
		return;
	if (status != 0) {
		char why[64];
		snprintf(why, sizeof(why), "prepare ended with exit code %d", status);
		try_again(g, why);
		return;
	}
	g->rendered = phase;
	start_reload(g);
}

void gate_reset(struct gate *g)
{
	evtimer_del(g->timer);
	sql_reset(g->sql);
	g->state = GATE_IDLE;
	g->retry_ms = 0;
	/* A server that starts reads what conf holds. */
	g->view->phase = g->rendered;
}
