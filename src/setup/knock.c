#include "setup/knock.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/timer.h"
#include "node/databases.h"
#include "node/identity.h"
#include "sql/recogniser.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 3000, RETRY_FIRST_MS = 100, RETRY_MOST_MS = 10 * 1000, REPEAT_MS = 15 * 1000 };

struct knock {
	const struct node_view *view;
	struct sql *sql;
	struct event *timer;
	int64_t retry_ms;
	bool wanted;
	bool again; /* asked for while one was under way */
	struct knock_answer answer;
	knock_answered_fn answered;
	void *ctx;
};

static int bind_name(void *ctx, const char *parameters[])
{
	const struct knock *k = ctx;

	parameters[0] = k->view->identity->name;
	return 1;
}

static bool is_own(const struct node_view *view, const char *identifier)
{
	return identifier && view->system_identifier[0] &&
	       strcmp(identifier, view->system_identifier) == 0;
}

static int on_answer(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct knock *k = ctx;
	const struct node_view *view = k->view;
	const char *cluster = sql_field(result, row, 0);
	const char *start = sql_field(result, row, 3);

	(void)e;
	bool is_known = cluster && strcmp(cluster, view->cluster_id) == 0 &&
			(is_own(view, sql_field(result, row, 1)) ||
				is_own(view, sql_field(result, row, 2)));
	k->answer.recognised = is_known && start && strcmp(start, view->server_start) == 0;
	sql_copy_field(k->answer.abandon, sizeof(k->answer.abandon), result, row, 4);
	if (is_known)
		sql_copy_field(k->answer.next_id, sizeof(k->answer.next_id), result, row, 5);
	return 0;
}

/* In this order: what is read is at least as new as the coordinator's last look. */
static const struct sql_step steps[] = {
	{ .name = "ask the coordinator who this node is",
		.sql = sql_setup_ask_coordinator,
		.bind = bind_name,
		.on_row = on_answer },
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
	if (k->again)
		delay_ms = 0;
	k->again = false;
	if (k->wanted)
		timer_set(k->timer, clock_jitter_ms(delay_ms));
	if (!failure)
		k->answered(k->ctx, &k->answer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct knock *k = arg;

	(void)fd;
	(void)what;
	if (sql_is_busy(k->sql)) {
		k->again = true;
		return;
	}
	k->answer = (struct knock_answer){ .recognised = false };
	sql_run(k->sql, steps, ARRAY_LEN(steps), k, on_done);
}

struct knock *knock_open(struct event_base *loop, const struct settings *settings,
	const struct node_view *view, knock_answered_fn answered, void *ctx)
{
	struct knock *k = xcalloc(1, sizeof(*k));
	_free_ char *host = identity_host_of(view->identity, 0);
	char *password = recogniser_password(settings_secret(settings, SET_SUPERPASS));
	const struct sql_target coordinator = { .host = host,
		.port = view->identity->port,
		.database = DATABASE_HOME,
		.user = RECOGNISER,
		.is_plain_role = true,
		.password = password,
		.connect_timeout_ms = TIMEOUT_MS,
		.statement_timeout_ms = TIMEOUT_MS };

	k->view = view;
	k->answered = answered;
	k->ctx = ctx;
	k->sql = sql_open(loop, &coordinator);
	k->timer = evtimer_new(loop, on_timer, k);
	secret_free(password);
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
