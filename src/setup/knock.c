#include "setup/knock.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "node/databases.h"
#include "sql/sql.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 3000, RETRY_FIRST_MS = 100, RETRY_MOST_MS = 10 * 1000, REPEAT_MS = 15 * 1000 };

struct knock {
	const char *name; /* ours */
	struct sql *sql;
	struct event *timer;
	int64_t retry_ms;
	bool wanted;
};

static int bind_name(void *ctx, const char *parameters[])
{
	const struct knock *k = ctx;

	parameters[0] = k->name;
	return 1;
}

static const struct sql_step steps[] = {
	{ .name = "knock at the coordinator",
		.sql = "select pg_notify('citus_init', $1)",
		.bind = bind_name },
};

static void on_done(void *ctx, const struct err *failure)
{
	struct knock *k = ctx;
	int64_t delay_ms = REPEAT_MS;

	sql_disconnect(k->sql);
	if (failure) {
		log_debug("%s", failure->msg);
		k->retry_ms = clock_backoff_ms(k->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
		delay_ms = k->retry_ms;
	} else {
		k->retry_ms = 0;
	}
	if (k->wanted)
		timer_set(k->timer, clock_jitter_ms(delay_ms));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct knock *k = arg;

	(void)fd;
	(void)what;
	if (!sql_is_busy(k->sql))
		sql_run(k->sql, steps, ARRAY_LEN(steps), k, on_done);
}

struct knock *knock_open(
	struct event_base *loop, const struct settings *settings, const struct identity *id)
{
	struct knock *k = xcalloc(1, sizeof(*k));
	_free_ char *host = identity_host_of(id, 0);
	const struct sql_target coordinator = { .host = host,
		.port = id->port,
		.database = DATABASE_HOME,
		.user = "postgres",
		.password = settings_secret(settings, SET_SUPERPASS),
		.connect_timeout_ms = TIMEOUT_MS,
		.statement_timeout_ms = TIMEOUT_MS };

	k->name = id->name;
	k->sql = sql_open(loop, &coordinator);
	k->timer = evtimer_new(loop, on_timer, k);
	return k;
}

void knock_close(struct knock *k)
{
	if (!k)
		return;
	sql_close(k->sql);
	event_free(k->timer);
	free(k);
}

void knock_start(struct knock *k)
{
	k->wanted = true;
	k->retry_ms = 0;
	on_timer(-1, 0, k);
}

void knock_stop(struct knock *k)
{
	k->wanted = false;
	evtimer_del(k->timer);
}
