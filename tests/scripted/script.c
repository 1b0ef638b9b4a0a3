#include "script.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sql/link.h"

enum { SCRIPTS_MOST = 64, HOSTS_MOST = 8, FIELDS_MOST = 16 };

struct script_answer {
	PGresult *rows;
	struct err failure;
};

struct link {
	const struct link_events *events;
	void *ctx;
	char *host, *database;
	struct event *news; /* what is told next, from the loop as libpq's would be */
	enum link_stage stage;
	bool is_broken;
	struct script_answer answer;
};

static struct event_base *the_loop;
static struct {
	const char *sql;
	script_fn fn;
	int count;
} scripts[SCRIPTS_MOST];
static int script_total;
static struct {
	const char *name;
	enum script_host state;
} hosts[HOSTS_MOST];
static int host_total;
static int fault_in;
static enum script_fault the_fault;

void script_begin(struct event_base *loop)
{
	/* The tests assert what becomes of a fault, which is news to nobody here. */
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	the_loop = loop;
	script_total = host_total = fault_in = 0;
}

static int find_script(const char *sql)
{
	int i = 0;

	while (i < script_total && strcmp(scripts[i].sql, sql) != 0)
		i++;
	if (i == script_total) {
		ck_assert_int_lt(script_total, SCRIPTS_MOST);
		scripts[script_total].sql = sql;
		scripts[script_total].fn = NULL;
		scripts[script_total++].count = 0;
	}
	return i;
}

void script_on(const char *sql, script_fn fn)
{
	scripts[find_script(sql)].fn = fn;
}

void script_on_all(const struct script_line lines[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		script_on(lines[i].sql, lines[i].fn);
}

int script_count(const char *sql)
{
	return scripts[find_script(sql)].count;
}

void script_set_host(const char *host, enum script_host state)
{
	int i = 0;

	while (i < host_total && strcmp(hosts[i].name, host) != 0)
		i++;
	ck_assert_int_lt(i, HOSTS_MOST);
	host_total = i < host_total ? host_total : i + 1;
	hosts[i].name = host;
	hosts[i].state = state;
}

static enum script_host state_of(const char *host)
{
	for (int i = 0; i < host_total; i++)
		if (strcmp(hosts[i].name, host) == 0)
			return hosts[i].state;
	return HOST_UP;
}

void script_set_fault(int n, enum script_fault fault)
{
	fault_in = n;
	the_fault = fault;
}

bool script_fault_is_over(void)
{
	return fault_in == 0;
}

void script_assert_cut_off(bool was_cut_off, int n, int most)
{
	ck_assert_int_eq(was_cut_off, script_fault_is_over());
	ck_assert(was_cut_off || n > most / 2);
	ck_assert(!was_cut_off || n < most);
}

static void forget_answer(struct script_answer *answer)
{
	PQclear(answer->rows);
	*answer = (struct script_answer){ .rows = NULL };
}

void script_row(const struct script_call *call, const char *const fields[], int count)
{
	PGresult *rows = call->answer->rows;
	PGresAttDesc columns[FIELDS_MOST] = { { .name = NULL } };
	int row = PQntuples(rows);

	ck_assert_int_le(count, FIELDS_MOST);
	for (int i = 0; i < count; i++)
		columns[i].name = (char *)"";
	if (PQnfields(rows) == 0)
		ck_assert(PQsetResultAttrs(rows, count, columns));
	for (int i = 0; i < count; i++)
		ck_assert(PQsetvalue(
			rows, row, i, (char *)fields[i], fields[i] ? (int)strlen(fields[i]) : -1));
}

void script_error(const struct script_call *call, const char *sqlstate, const char *message)
{
	struct err *e = &call->answer->failure;

	err_set(e, ERR_SQL, "%s", message);
	memcpy(e->sqlstate, sqlstate, sizeof(e->sqlstate));
}

static void lose(struct link *link, enum err_kind kind, const char *sqlstate, const char *message)
{
	struct err e;

	err_set(&e, kind, "%s", message);
	memcpy(e.sqlstate, sqlstate, strlen(sqlstate) + 1);
	link->events->lost(link->ctx, &e);
}

static void tell_answer(struct link *link)
{
	const struct script_answer *a = &link->answer;
	bool is_failure = a->failure.kind != ERR_NONE;
	const struct link_answer answer = { .rows = is_failure ? NULL : a->rows,
		.failure = is_failure ? &a->failure : NULL };

	if (link->events->answered(link->ctx, &answer))
		link->events->ended(link->ctx);
}

static void on_news(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;

	(void)fd;
	(void)what;
	if (link->stage == LINK_UP) {
		if (link->is_broken)
			lose(link, ERR_NET, "", "server closed the connection unexpectedly");
		else
			tell_answer(link);
		return;
	}
	switch (state_of(link->host)) {
	case HOST_UP:
		link->stage = LINK_UP;
		link->events->is_up(link->ctx);
		break;
	case HOST_DOWN: lose(link, ERR_NET, "", "Connection refused"); break;
	case HOST_LOCKED: lose(link, ERR_SQL, "28P01", "password authentication failed"); break;
	case HOST_HANGING: link->stage = LINK_LOGGING_IN; break;
	}
}

/* What the loop tells next of a link to a host that hangs: nothing. */
static void tell_soon(struct link *link)
{
	if (link->stage != LINK_UP || state_of(link->host) != HOST_HANGING)
		event_active(link->news, EV_TIMEOUT, 0);
}

int link_send(struct link *link, const char *sql, int count, const char *const parameters[],
	struct err *e)
{
	const struct script_call call = { link->host, link->database, parameters, &link->answer };
	bool is_faulty = fault_in > 0 && --fault_in == 0;
	int script = find_script(sql);

	(void)count;
	(void)e;
	if (is_faulty && the_fault == SCRIPT_SILENCE)
		return 0;
	link->is_broken = is_faulty || state_of(link->host) == HOST_DOWN;
	forget_answer(&link->answer);
	link->answer.rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	if (!link->is_broken || (is_faulty && the_fault == SCRIPT_BREAK_AFTER)) {
		scripts[script].count++;
		if (scripts[script].fn)
			scripts[script].fn(&call);
	}
	tell_soon(link);
	return 0;
}

struct link *link_open(struct event_base *loop, const struct sql_target *target,
	const struct link_events *events, void *ctx)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->events = events;
	link->ctx = ctx;
	link->host = xstrdup(target->host);
	link->database = xstrdup(target->database);
	link->news = event_new(loop, -1, 0, on_news, link);
	return link;
}

void link_connect(struct link *link)
{
	link->stage = LINK_REACHING;
	tell_soon(link);
}

void link_drop(struct link *link)
{
	event_del(link->news);
	forget_answer(&link->answer);
	link->stage = LINK_DOWN;
}

void link_close(struct link *link)
{
	link_drop(link);
	event_free(link->news);
	free(link->host);
	free(link->database);
	free(link);
}

enum link_stage link_stage(const struct link *link)
{
	return link->stage;
}

bool script_run(bool (*condition)(void *ctx), void *ctx, int64_t limit_ms)
{
	int64_t end_ms = clock_now_ms() + limit_ms;

	while (!condition(ctx) && clock_now_ms() < end_ms)
		if (event_base_loop(the_loop, EVLOOP_ONCE) != 0)
			return false; /* nothing is left that could happen */
	return condition(ctx);
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

void script_pass(int64_t ms)
{
	script_run(never, NULL, ms);
}

void script_on_done(void *ctx, const struct err *failure)
{
	struct script_end *end = ctx;

	end->ends++;
	end->failure = failure ? *failure : (struct err){ .kind = ERR_NONE };
}

static bool has_ended(void *ctx)
{
	const struct script_end *end = ctx;

	return end->ends > 0;
}

void script_wait(struct script_end *end, int64_t limit_ms)
{
	ck_assert(script_run(has_ended, end, limit_ms));
}
