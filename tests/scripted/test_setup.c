/*
 * A node's set-up on an empty server, and on one that has all: begun again after
 * every statement at which it can be cut off, nothing is made twice, and no
 * password leaves the program.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "sql/recogniser.h"
#include "scratch.h"
#include "script.h"
#include "settings_made.h"
#include "setup/setup.h"
#include "sql/scram.h"
#include "statements.h"

enum { ROLES = 3 };

/* In the order of the parameters of hand_over_verifiers.sql. */
static const char *const role_names[ROLES] = { "postgres", "admin", "replicator" };

static struct {
	char *verifiers[ROLES]; /* NULL: there is no such role, or it has no password */
	char *handed_over[ROLES];
	char *recogniser, *handed_over_recogniser; /* a verifier */
	bool has_recogniser, has_admin, has_database, has_extension, was_quieted, lacks_library;
	const char *installed; /* version of the extension */
	int group, workers;
	char name[16]; /* under which the directory knows itself, "" for not yet */
} server;

static struct event_base *loop;
static struct settings *settings;
static struct identity *id;
static struct node_view view;
static struct setup *setup;
static struct script_end end;

static void read_version(const struct script_call *call)
{
	SCRIPT_ROW(call, "15.20", "15", "t");
}

static void look_for_library(const struct script_call *call)
{
	if (server.lacks_library)
		SCRIPT_ROW(call, "f", "auto_explain", "configuration file",
			"/data/postgresql.auto.conf", "3");
	else
		SCRIPT_ROW(call, "t", "citus", "command line", NULL, NULL);
}

static void look_for_quieting(const struct script_call *call)
{
	SCRIPT_ROW(call, server.was_quieted ? "3" : "0");
}

static void wake(const struct script_call *call)
{
	(void)call;
	ck_assert(server.was_quieted);
}

static void read_this_node(const struct script_call *call)
{
	if (server.name[0])
		SCRIPT_ROW(call, "11111111-1111-1111-1111-111111111111", server.name, "0", "t",
			NULL, NULL);
}

static void read_recogniser(const struct script_call *call)
{
	if (server.has_recogniser)
		SCRIPT_ROW(call, server.recogniser);
}

static void hand_over_recogniser(const struct script_call *call)
{
	mem_replace(&server.handed_over_recogniser, xstrdup(call->parameters[0]));
}

static void create_recogniser(const struct script_call *call)
{
	(void)call;
	server.has_recogniser = true;
	if (server.handed_over_recogniser[0])
		mem_replace(&server.recogniser, xstrdup(server.handed_over_recogniser));
}

static void read_identifier(const struct script_call *call)
{
	SCRIPT_ROW(call, "701", "1700000000.000000");
}

static void read_roles(const struct script_call *call)
{
	for (int i = 0; i < ROLES; i++)
		if (i == 0 || server.has_admin)
			SCRIPT_ROW(call, role_names[i], server.verifiers[i]);
}

static void hand_over(const struct script_call *call)
{
	for (int i = 0; i < ROLES; i++) {
		ck_assert_ptr_null(strstr(call->parameters[i], "-secret"));
		mem_replace(&server.handed_over[i], xstrdup(call->parameters[i]));
	}
}

static void create_roles(const struct script_call *call)
{
	(void)call;
	ck_assert(!server.has_admin); /* "role already exists" */
	server.has_admin = true;
	for (int i = 1; i < ROLES; i++)
		mem_replace(&server.verifiers[i], xstrdup(server.handed_over[i]));
}

static void set_passwords(const struct script_call *call)
{
	ck_assert_str_eq(call->database, "citusdb");
	for (int i = 0; i < ROLES; i++)
		if (server.handed_over[i][0])
			mem_replace(&server.verifiers[i], xstrdup(server.handed_over[i]));
}

static void look_for_database(const struct script_call *call)
{
	ck_assert_str_eq(call->parameters[0], "citusdb");
	SCRIPT_ROW(call, server.has_database ? "1" : "0");
}

static void create_database(const struct script_call *call)
{
	(void)call;
	ck_assert(server.has_admin && !server.has_database);
	server.has_database = true;
}

static void read_extension(const struct script_call *call)
{
	SCRIPT_ROW(call, server.has_extension ? server.installed : NULL, "13.2-1");
}

static void create_extension(const struct script_call *call)
{
	(void)call;
	ck_assert(server.has_database && !server.has_extension);
	server.has_extension = true;
}

static void update_extension(const struct script_call *call)
{
	(void)call;
	server.installed = "13.2-1";
}

static void look_for_metadata(const struct script_call *call)
{
	_free_ char *group = xasprintf("%d", server.group);
	_free_ char *workers = xasprintf("%d", server.workers);

	ck_assert(server.has_extension);
	SCRIPT_ROW(call, group, workers, "0");
}

static void read_group(const struct script_call *call)
{
	_free_ char *group = xasprintf("%d", server.group);

	ck_assert(server.has_extension);
	SCRIPT_ROW(call, group, server.installed);
}

static void on_heard(void *ctx, const char *payload)
{
	(void)ctx;
	(void)payload;
}

static void open_setup(const char *adminpass)
{
	_free_ char *admin = xasprintf("ADMINPASS=%s", adminpass);
	_free_ char *run = xasprintf("CITUS_INIT_RUN_DIRECTORY=%s", scratch_directory);
	const char *const variables[] = { "POD_NAME=citus-1", admin, run, NULL };
	struct err e;

	settings = settings_made(variables);
	id = identity_of(settings, NULL, NULL, &e);
	view = (struct node_view){ .identity = id, .group = -1 };
	setup = setup_open(loop, settings, &view, "/run", on_heard, NULL);
}

static void close_setup(void)
{
	setup_close(setup);
	identity_free(id);
	settings_free(settings);
}

/* Another agent, with another password. */
static void change_password(const char *adminpass)
{
	close_setup();
	open_setup(adminpass);
}

static void set_up(void)
{
	static const struct script_line answers[] = {
		{ sql_setup_read_version, read_version },
		{ sql_setup_look_for_library, look_for_library },
		{ sql_setup_look_for_quieting, look_for_quieting },
		{ "alter system reset citus.recover_2pc_interval", wake },
		{ sql_setup_read_this_node, read_this_node },
		{ sql_setup_read_recogniser, read_recogniser },
		{ sql_setup_hand_over_recogniser, hand_over_recogniser },
		{ sql_setup_create_recogniser, create_recogniser },
		{ sql_cluster_read_identifier, read_identifier },
		{ sql_setup_read_roles, read_roles },
		{ sql_setup_hand_over_verifiers, hand_over },
		{ sql_setup_create_roles, create_roles },
		{ sql_setup_look_for_database, look_for_database },
		{ "create database citusdb owner admin", create_database },
		{ sql_setup_read_extension, read_extension },
		{ "create extension citus", create_extension },
		{ "alter extension citus update", update_extension },
		{ sql_setup_look_for_metadata, look_for_metadata },
		{ sql_setup_read_group, read_group },
		{ sql_setup_set_passwords, set_passwords },
	};

	scratch_make();
	loop = event_base_new();
	script_begin(loop);
	script_on_all(answers, ARRAY_LEN(answers));
	server.installed = "13.2-1";
	open_setup("admin-secret");
}

static void forget_server(void)
{
	for (int i = 0; i < ROLES; i++) {
		free(server.verifiers[i]);
		free(server.handed_over[i]);
	}
	free(server.recogniser);
	free(server.handed_over_recogniser);
	memset(&server, 0, sizeof(server));
	server.installed = "13.2-1";
}

static void tear_down(void)
{
	close_setup();
	event_base_free(loop);
	forget_server();
	scratch_remove();
}

static enum err_kind run(void)
{
	end.ends = 0;
	setup_run(setup, script_on_done, &end);
	script_wait(&end, 30 * 60 * 1000);
	return end.failure.kind;
}

static void assert_is_set_up(void)
{
	char *recogniser = recogniser_password(settings_secret(settings, SET_SUPERPASS));

	ck_assert(server.has_admin && server.has_database && server.has_extension);
	ck_assert(scram_verifier_matches(server.recogniser, recogniser));
	secret_free(recogniser);
	ck_assert(scram_verifier_matches(server.verifiers[0], "super-secret"));
	ck_assert(scram_verifier_matches(
		server.verifiers[1], settings_secret(settings, SET_ADMINPASS)));
	ck_assert(scram_verifier_matches(server.verifiers[2], "rep-secret"));
	ck_assert_str_eq(view.version, "15.20");
	ck_assert_str_eq(view.citus, "13.2-1");
	ck_assert_int_eq(view.group, server.group);
}

START_TEST(an_empty_server_is_set_up)
{
	ck_assert_int_eq(run(), ERR_NONE);
	assert_is_set_up();
}
END_TEST

START_TEST(what_is_there_stays)
{
	ck_assert_int_eq(run(), ERR_NONE);
	int handed_over = script_count(sql_setup_hand_over_verifiers);
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert_int_eq(script_count(sql_setup_hand_over_verifiers), handed_over);
	ck_assert_int_eq(script_count("create database citusdb owner admin"), 1);
	ck_assert_int_eq(script_count("create extension citus"), 1);
	ck_assert_int_eq(script_count("select pg_reload_conf()"), 0);
}
END_TEST

START_TEST(a_changed_password_is_set)
{
	ck_assert_int_eq(run(), ERR_NONE);
	change_password("other-admin-secret");
	ck_assert_int_eq(run(), ERR_NONE);
	assert_is_set_up();
}
END_TEST

/* Citus sends admin's on from the coordinator; a worker that is a member leaves it alone. */
START_TEST(a_members_admin_is_the_coordinators)
{
	ck_assert_int_eq(run(), ERR_NONE);
	_free_ char *before = xstrdup(server.verifiers[1]);
	server.group = 1;
	change_password("other-admin-secret");
	view.recognised = true;
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert_str_eq(server.verifiers[1], before);
}
END_TEST

START_TEST(an_old_extension_is_updated)
{
	ck_assert_int_eq(run(), ERR_NONE);
	server.installed = "12.1-1";
	ck_assert_int_eq(run(), ERR_NONE);
	assert_is_set_up();
}
END_TEST

START_TEST(a_daemon_that_was_quieted_is_woken)
{
	server.was_quieted = true;
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert_int_eq(script_count("alter system reset citus.recover_2pc_interval"), 1);
	ck_assert_int_eq(script_count("select pg_reload_conf()"), 1);
}
END_TEST

START_TEST(another_nodes_directory_is_refused)
{
	snprintf(server.name, sizeof(server.name), "citus-3");
	ck_assert_int_eq(run(), ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(end.failure.msg, "belongs to citus-3, not to citus-1"));
	ck_assert(!server.has_admin && !server.has_database);
}
END_TEST

START_TEST(a_server_without_the_library_is_left_alone)
{
	server.lacks_library = true;
	ck_assert_int_eq(run(), ERR_CONFIG);
	ck_assert(view.lacks_library);
	ck_assert_ptr_nonnull(
		strstr(end.failure.msg, "shared_preload_libraries = \"auto_explain\", from "
					"/data/postgresql.auto.conf line 3"));
	ck_assert_int_eq(script_count(sql_setup_create_schema), 0);
	server.lacks_library = false;
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert(!view.lacks_library);
}
END_TEST

/* Nothing of it is touched but what shows who it is; no session in citusdb wakes Citus' daemon. */
START_TEST(a_directory_of_a_cluster_waits_to_be_recognised)
{
	snprintf(server.name, sizeof(server.name), "citus-1");
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert(server.has_recogniser && !view.recognised);
	ck_assert_str_eq(view.system_identifier, "701");
	ck_assert(!server.has_admin && !server.has_database);
	ck_assert_int_eq(script_count(sql_setup_hand_over_verifiers), 0);
	ck_assert_int_eq(script_count(sql_setup_read_extension), 0);
	ck_assert_ptr_null(scratch_read("passfile"));
	view.recognised = true;
	ck_assert_int_eq(run(), ERR_NONE);
	assert_is_set_up();
	_free_ char *passwords = scratch_read("passfile");
	ck_assert_ptr_nonnull(strstr(passwords, ":postgres:super-secret\n"));
}
END_TEST

START_TEST(a_directory_of_another_program_keeps_its_passwords)
{
	server.has_database = server.has_extension = true;
	server.workers = 2;
	ck_assert_int_eq(run(), ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(end.failure.msg, "2 workers"));
	ck_assert(!view.recognised && !server.has_admin);
	ck_assert_int_eq(script_count(sql_setup_hand_over_verifiers), 0);
	ck_assert_ptr_null(scratch_read("passfile"));
}
END_TEST

/* More than a set-up sends. */
enum { STATEMENTS_MOST = 24 };

START_TEST(goes_on_where_it_was_cut_off)
{
	for (enum script_fault f = 0; f < SCRIPT_FAULT_COUNT; f++) {
		forget_server();
		script_set_fault(_i, f);
		bool was_cut_off = run() != ERR_NONE;
		script_assert_cut_off(was_cut_off, _i, STATEMENTS_MOST);
		script_set_fault(0, f);
		ck_assert_msg(run() == ERR_NONE, "%s", end.failure.msg);
		assert_is_set_up();
	}
}
END_TEST

/* The server went away in the middle, and comes back: nobody is told of the first try. */
START_TEST(begins_anew_after_a_reset)
{
	end.ends = 0;
	setup_run(setup, script_on_done, &end);
	setup_reset(setup);
	ck_assert(!setup_is_busy(setup));
	ck_assert_int_eq(run(), ERR_NONE);
	ck_assert_int_eq(end.ends, 1);
	assert_is_set_up();
}
END_TEST

Suite *suite_setup(void);
Suite *suite_setup(void)
{
	Suite *suite = suite_create("setup");
	TCase *c = tcase_create("setup");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, an_empty_server_is_set_up);
	tcase_add_test(c, what_is_there_stays);
	tcase_add_test(c, a_changed_password_is_set);
	tcase_add_test(c, a_members_admin_is_the_coordinators);
	tcase_add_test(c, an_old_extension_is_updated);
	tcase_add_test(c, a_daemon_that_was_quieted_is_woken);
	tcase_add_test(c, another_nodes_directory_is_refused);
	tcase_add_test(c, a_directory_of_a_cluster_waits_to_be_recognised);
	tcase_add_test(c, a_directory_of_another_program_keeps_its_passwords);
	tcase_add_test(c, a_server_without_the_library_is_left_alone);
	tcase_add_loop_test(c, goes_on_where_it_was_cut_off, 1, STATEMENTS_MOST + 1);
	tcase_add_test(c, begins_anew_after_a_reset);
	suite_add_tcase(suite, c);
	return suite;
}
