/*
 * Phases that come into force: the files are written, the server reloads and is
 * asked whether it has. Until then the phase before stays, whatever fails.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "node/conf.h"
#include "scratch.h"
#include "script.h"
#include "settings_made.h"
#include "setup/gate.h"
#include "statements.h"

enum { MINUTE_MS = 60 * 1000 };

static struct {
	const char *hba_error;
	bool is_deaf; /* does not act on a reload */
	int reloads, loaded;
} server;

static struct event_base *loop;
static struct settings *settings;
static struct identity *id;
static struct node_view view;
static struct gate *gate;
static char *conf;
static int changes;

static void read_hba_error(const struct script_call *call)
{
	if (server.hba_error)
		SCRIPT_ROW(call, "12", server.hba_error);
}

static void read_load_time(const struct script_call *call)
{
	_free_ char *time = xasprintf("%d", server.loaded);

	SCRIPT_ROW(call, time);
}

static void reload(const struct script_call *call)
{
	server.reloads++;
	SCRIPT_ROW(call, "t");
}

/* The postmaster acts a moment later. */
static void confirm(const struct script_call *call)
{
	SCRIPT_ROW(call, server.loaded > atoi(call->parameters[0]) ? "t" : "f");
	if (!server.is_deaf)
		server.loaded = server.reloads;
}

static void on_changed(void *ctx)
{
	(void)ctx;
	changes++;
}

static void set_up(void)
{
	static const struct script_line answers[] = {
		{ sql_setup_read_hba_error, read_hba_error },
		{ "select pg_conf_load_time()", read_load_time },
		{ "select pg_reload_conf()", reload },
		{ "select pg_conf_load_time() > $1::timestamptz", confirm },
	};
	struct err e;

	scratch_make();
	scratch_mkdir("data", 0700);
	_free_ char *pgdata = xasprintf("PGDATA=%s/data", scratch_directory);
	const char *const variables[] = { pgdata, NULL };
	settings = settings_made(variables);
	id = identity_of(settings, NULL, NULL, &e);
	view = (struct node_view){ .identity = id, .major = 15, .phase = PHASE_LOCAL };
	conf = conf_directory_of(settings_text(settings, SET_PGDATA));
	const struct render_input input = { .settings = settings,
		.identity = id,
		.major = view.major,
		.conf_directory = conf,
		.phase = PHASE_LOCAL };
	ck_assert_msg(conf_render(&input, &e) == 0, "%s", e.msg);
	loop = event_base_new();
	script_begin(loop);
	memset(&server, 0, sizeof(server));
	changes = 0;
	script_on_all(answers, ARRAY_LEN(answers));
	gate = gate_open(loop, settings, &view, "/run", on_changed, NULL);
}

static void tear_down(void)
{
	gate_close(gate);
	free(conf);
	identity_free(id);
	settings_free(settings);
	event_base_free(loop);
	scratch_remove();
}

static enum phase written(void)
{
	enum phase phase;

	ck_assert_int_eq(conf_read_phase(conf, &phase), 0);
	return phase;
}

static bool is_in_force(void *ctx)
{
	return view.phase == *(enum phase *)ctx;
}

static bool comes_into_force(enum phase phase, int64_t within_ms)
{
	return script_run(is_in_force, &phase, within_ms);
}

START_TEST(each_phase_comes_into_force)
{
	static const enum phase phases[] = { PHASE_CLUSTER, PHASE_OPEN, PHASE_LOCAL };

	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		gate_want(gate, phases[i]);
		/* Not before the server has it. */
		ck_assert_int_ne(view.phase, phases[i]);
		ck_assert(comes_into_force(phases[i], 1000));
		ck_assert_int_eq(written(), phases[i]);
		ck_assert_int_eq(changes, (int)i + 1);
		ck_assert_int_eq(server.reloads, (int)i + 1);
		/* Only the last one closes a node that was open. */
		ck_assert_int_eq(script_count(sql_setup_end_sessions), i == 2);
	}
}
END_TEST

START_TEST(what_is_in_force_is_left_alone)
{
	gate_want(gate, PHASE_LOCAL);
	ck_assert(!comes_into_force(PHASE_OPEN, MINUTE_MS));
	ck_assert_int_eq(server.reloads, 0);
	gate_reload(gate);
	ck_assert(!comes_into_force(PHASE_OPEN, MINUTE_MS));
	ck_assert_int_eq(server.reloads, 1);
	ck_assert_int_eq(changes, 0);
}
END_TEST

START_TEST(a_wish_that_changes_meanwhile_is_followed)
{
	gate_want(gate, PHASE_CLUSTER);
	gate_want(gate, PHASE_OPEN);
	ck_assert(comes_into_force(PHASE_OPEN, 1000));
	ck_assert_int_eq(written(), PHASE_OPEN);
}
END_TEST

START_TEST(a_bad_pg_hba_conf_is_not_loaded)
{
	server.hba_error = "invalid authentication method";
	gate_want(gate, PHASE_OPEN);
	ck_assert(!comes_into_force(PHASE_OPEN, 10 * MINUTE_MS));
	ck_assert_int_eq(server.reloads, 0);
	/* Half a second, then ever less often, to half a minute. */
	ck_assert_int_gt(script_count(sql_setup_read_hba_error), 10 * 60 / 60);
	ck_assert_int_lt(script_count(sql_setup_read_hba_error), 10 * 60 / 15 + 10);
	server.hba_error = NULL;
	ck_assert(comes_into_force(PHASE_OPEN, MINUTE_MS));
}
END_TEST

START_TEST(a_server_that_does_not_reload_is_told_again)
{
	server.is_deaf = true;
	gate_want(gate, PHASE_OPEN);
	ck_assert(!comes_into_force(PHASE_OPEN, MINUTE_MS));
	ck_assert_int_gt(server.reloads, 1);
	ck_assert_int_eq(changes, 0);
	server.is_deaf = false;
	ck_assert(comes_into_force(PHASE_OPEN, MINUTE_MS));
	ck_assert_int_eq(changes, 1);
}
END_TEST

/* The server restarts: it reads what the files hold, without a word of ours. */
START_TEST(a_server_that_starts_has_what_is_written)
{
	server.is_deaf = true;
	gate_want(gate, PHASE_CLUSTER);
	ck_assert(!comes_into_force(PHASE_CLUSTER, 100));
	gate_reset(gate);
	ck_assert_int_eq(view.phase, PHASE_CLUSTER);
}
END_TEST

/* More than a change of phase sends. */
enum { STATEMENTS_MOST = 8 };

START_TEST(comes_into_force_whatever_is_cut_off)
{
	for (enum script_fault f = 0; f < SCRIPT_FAULT_COUNT; f++) {
		enum phase phase = f % 2 ? PHASE_LOCAL : PHASE_OPEN;
		script_set_fault(_i, f);
		gate_want(gate, phase);
		ck_assert(comes_into_force(phase, MINUTE_MS));
		ck_assert_int_eq(written(), phase);
		/* A node that closes has sessions to end, too. */
		ck_assert(script_fault_is_over() ==
			  (_i < STATEMENTS_MOST - (phase == PHASE_OPEN ? 2 : 1)));
		script_set_fault(0, f);
	}
}
END_TEST

Suite *suite_gate(void);
Suite *suite_gate(void)
{
	Suite *suite = suite_create("gate");
	TCase *c = tcase_create("gate");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, each_phase_comes_into_force);
	tcase_add_test(c, what_is_in_force_is_left_alone);
	tcase_add_test(c, a_wish_that_changes_meanwhile_is_followed);
	tcase_add_test(c, a_bad_pg_hba_conf_is_not_loaded);
	tcase_add_test(c, a_server_that_does_not_reload_is_told_again);
	tcase_add_test(c, a_server_that_starts_has_what_is_written);
	tcase_add_loop_test(c, comes_into_force_whatever_is_cut_off, 1, STATEMENTS_MOST + 1);
	suite_add_tcase(suite, c);
	return suite;
}
