/*
 * The coordinator's loop from an empty catalog to a formed cluster, with nodes
 * that keep what is written on them: rounds, back-offs, a batch that fails, and
 * a connection that breaks at every statement.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cluster/loop.h"
#include "script.h"
#include "settings_made.h"
#include "statements.h"

#define ID   "11111111-1111-1111-1111-111111111111"
#define MARK "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
/* Of every server. */
#define START "1700000000.000000"

enum { NODES = 4, CALLS_MOST = 1000, MINUTE_MS = 60 * 1000 };

/* A node's own memory, and what the coordinator's catalogs hold of it. */
static struct node {
	char *name, *host;
	char identifier[16];
	bool stamped, marked, admitted;
	bool intended, registered, recognised;
	bool in_citus, active;
	/* As the coordinator remembers it, as it is noted, and as the node itself has it. */
	int epoch, next_epoch, begun_epoch;
	bool has_written; /* since that epoch began */
} nodes[NODES];		  /* the coordinator first */

static struct {
	bool minted, formed;
	const char *refuses;		 /* Citus does not activate the node of that host */
	int64_t activations[CALLS_MOST]; /* clock_now_ms() of those of the refused node alone */
	int activation_count;
} world;

static struct event_base *loop;
static struct settings *settings;
static struct identity *id;
static struct node_view view;
static struct cluster_loop *under_test;

static struct node *node_at(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++)
		if (strcmp(nodes[i].host, call->host) == 0)
			return &nodes[i];
	return &nodes[0]; /* on its socket */
}

/* Whether the PostgreSQL array has the item; none here is a part of another one. */
static bool is_in(const char *array, const char *item)
{
	return strstr(array, item) != NULL;
}

static void take_lock(const struct script_call *call)
{
	SCRIPT_ROW(call, "t");
}

/* Each epoch's id is made of its number. */
static char *epoch_id(int number)
{
	return number ? xasprintf("e%d", number) : NULL;
}

static void read_cluster(const struct script_call *call)
{
	if (world.minted)
		SCRIPT_ROW(call, ID, world.formed ? "2026-01-01" : NULL,
			nodes[0].has_written ? "f" : "t", nodes[0].host, "5432");
}

static void read_identifier(const struct script_call *call)
{
	SCRIPT_ROW(call, node_at(call)->identifier, START);
}

static void read_members(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++) {
		const struct node *n = &nodes[i];
		_free_ char *number = xasprintf("%d", n->epoch);
		_free_ char *epoch = epoch_id(n->epoch);
		_free_ char *next = epoch_id(n->next_epoch);
		if (n->intended)
			SCRIPT_ROW(call, n->name, n->identifier,
				n->registered ? "2026-01-01" : NULL, NULL, number, epoch, next,
				n->registered ? n->host : NULL, "5432",
				n->recognised ? START : NULL);
	}
}

static void note_epochs(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++) {
		struct node *n = &nodes[i];
		if (!is_in(call->parameters[0], n->name))
			continue;
		if (n->next_epoch && n->begun_epoch == n->next_epoch) {
			n->epoch = n->next_epoch;
			n->next_epoch = 0;
		}
		if (!n->next_epoch)
			n->next_epoch = n->epoch + 1;
		_free_ char *number = xasprintf("%d", n->next_epoch);
		_free_ char *next = epoch_id(n->next_epoch);
		SCRIPT_ROW(call, n->name, number, next);
	}
}

static void confirm_epochs(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++) {
		struct node *n = &nodes[i];
		if (!is_in(call->parameters[0], n->name) || !n->next_epoch)
			continue;
		n->epoch = n->next_epoch;
		n->next_epoch = 0;
	}
	nodes[0].has_written = false;
}

static void read_incarnations(const struct script_call *call)
{
	if (node_at(call)->marked)
		SCRIPT_ROW(call, "citusdb", MARK);
}

static void give_incarnations(const struct script_call *call)
{
	node_at(call)->marked = true;
}

static void read_fitness(const struct script_call *call)
{
	SCRIPT_ROW(call, "150020", "13.2-1", "UTF8", "libc", "C/C", "", "", "", "153.14", "");
}

static void read_nodes(const struct script_call *call)
{
	for (int i = 0; i < NODES; i++) {
		_free_ char *group = xasprintf("%d", i);
		if (nodes[i].in_citus)
			SCRIPT_ROW(call, nodes[i].host, group, nodes[i].active ? "t" : "f",
				nodes[i].active ? "t" : "f", "t", "0", "5432");
	}
}

static void mint(const struct script_call *call)
{
	(void)call;
	world.minted = true;
}

static void intend(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++)
		if (is_in(call->parameters[0], nodes[i].name))
			nodes[i].intended = nodes[i].recognised = true;
}

static void recognise(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++)
		nodes[i].recognised |= is_in(call->parameters[0], nodes[i].name);
}

static void set_coordinator_host(const struct script_call *call)
{
	ck_assert_str_eq(call->parameters[0], nodes[0].host);
	nodes[0].in_citus = nodes[0].active = true;
}

static void add_workers(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++) {
		if (!is_in(call->parameters[0], nodes[i].host))
			continue;
		/* Who is registered has been told before whose it is. */
		ck_assert(nodes[i].stamped && nodes[i].marked && nodes[i].intended);
		nodes[i].in_citus = true;
	}
}

/* All or nothing, as one statement is. */
static void activate_workers(const struct script_call *call)
{
	const char *hosts = call->parameters[0];

	if (world.refuses && is_in(hosts, world.refuses)) {
		if (!strchr(hosts, ',')) {
			ck_assert_int_lt(world.activation_count, CALLS_MOST);
			world.activations[world.activation_count++] = clock_now_ms();
		}
		script_error(call, "08006", "could not connect");
		return;
	}
	for (int i = 1; i < NODES; i++)
		nodes[i].active |= nodes[i].in_citus && is_in(hosts, nodes[i].host);
}

static void confirm(const struct script_call *call)
{
	for (int i = 1; i < NODES; i++)
		nodes[i].registered |= is_in(call->parameters[0], nodes[i].name);
}

static void form(const struct script_call *call)
{
	(void)call;
	world.formed = true;
}

static void look_for_set_up(const struct script_call *call)
{
	SCRIPT_ROW(call, "citus_init.this_node");
}

static void read_this_node(const struct script_call *call)
{
	const struct node *n = node_at(call);
	_free_ char *number = xasprintf("%d", n->begun_epoch);
	_free_ char *epoch = epoch_id(n->begun_epoch);

	if (n->stamped)
		SCRIPT_ROW(call, ID, n->name, n->admitted ? "t" : "f", number, epoch,
			n->has_written ? "f" : "t", NULL);
}

static void read_metadata(const struct script_call *call)
{
	const struct node *n = node_at(call);
	_free_ char *group = xasprintf("%d", n->active ? (int)(n - nodes) : 0);

	SCRIPT_ROW(call, group, n->active ? "4" : "0", "0", "0");
}

static void stamp_node(const struct script_call *call)
{
	ck_assert_str_eq(call->parameters[0], ID);
	ck_assert_str_eq(call->parameters[1], node_at(call)->name);
	node_at(call)->stamped = true;
}

static void stamp_databases(const struct script_call *call)
{
	ck_assert(is_in(call->parameters[1], MARK));
	node_at(call)->marked = true;
}

static void admit(const struct script_call *call)
{
	struct node *n = node_at(call);
	_free_ char *seen = epoch_id(n->begun_epoch);

	ck_assert(n->registered);
	if (strcmp(call->parameters[0], seen ? seen : "") != 0)
		return;
	/* It was noted before. */
	ck_assert_int_eq(atoi(call->parameters[1]), n->next_epoch);
	n->begun_epoch = n->next_epoch;
	n->admitted = true;
	n->has_written = false;
	SCRIPT_ROW(call, "t");
}

static void say_no(const struct script_call *call)
{
	SCRIPT_ROW(call, "f");
}

static void read_pause(const struct script_call *call)
{
	SCRIPT_ROW(call, "pause", "", "");
}

static void read_no_wish(const struct script_call *call)
{
	(void)call;
}

static void answer_error(const struct script_call *call)
{
	script_error(call, "57P01", "terminating connection due to administrator command");
}

static void on_changed(void *ctx)
{
	(void)ctx;
}

static void set_up(void)
{
	static const struct script_line answers[] = {
		{ sql_cluster_take_lock, take_lock },
		{ sql_cluster_read_cluster, read_cluster },
		{ sql_cluster_read_identifier, read_identifier },
		{ sql_cluster_read_members, read_members },
		{ sql_cluster_read_incarnations, read_incarnations },
		{ sql_cluster_give_incarnations, give_incarnations },
		{ sql_cluster_read_fitness, read_fitness },
		{ sql_cluster_read_nodes, read_nodes },
		{ sql_cluster_mint, mint },
		{ sql_cluster_intend, intend },
		{ sql_cluster_recognise, recognise },
		{ sql_cluster_set_coordinator_host, set_coordinator_host },
		{ sql_cluster_add_workers, add_workers },
		{ sql_cluster_activate_workers, activate_workers },
		{ sql_cluster_confirm, confirm },
		{ sql_cluster_note_epochs, note_epochs },
		{ sql_cluster_confirm_epochs, confirm_epochs },
		{ sql_cluster_form, form },
		{ "select to_regclass('citus_init.this_node')", look_for_set_up },
		{ sql_cluster_read_this_node, read_this_node },
		{ sql_cluster_read_metadata, read_metadata },
		{ sql_cluster_stamp_node, stamp_node },
		{ sql_cluster_stamp_databases, stamp_databases },
		{ sql_cluster_admit, admit },
		{ sql_repair_lacks_references, say_no },
	};
	_free_ char *size = xasprintf("SET_SIZE=%d", NODES);
	const char *const variables[] = { "POD_NAME=citus-0", size, NULL };
	struct err e;

	memset(&world, 0, sizeof(world));
	memset(nodes, 0, sizeof(nodes));
	loop = event_base_new();
	script_begin(loop);
	script_on_all(answers, ARRAY_LEN(answers));
	settings = settings_made(variables);
	id = identity_of(settings, NULL, NULL, &e);
	for (int i = 0; i < NODES; i++) {
		nodes[i].name = identity_name_of(id, i);
		nodes[i].host = identity_host_of(id, i);
		snprintf(nodes[i].identifier, sizeof(nodes[i].identifier), "70%d", i);
	}
	view = (struct node_view){ .identity = id,
		.size = NODES,
		.version = "15.20",
		.citus = "13.2-1",
		.recognised = true };
}

static void begin_with(int reach)
{
	under_test = cluster_loop_open(loop, settings, &view, "/run", reach, on_changed, NULL);
}

static void begin(void)
{
	begin_with(0);
}

static void end(void)
{
	cluster_loop_close(under_test);
}

static void tear_down(void)
{
	for (int i = 0; i < NODES; i++) {
		free(nodes[i].name);
		free(nodes[i].host);
	}
	identity_free(id);
	settings_free(settings);
	event_base_free(loop);
}

static bool is_formed(void *ctx)
{
	(void)ctx;
	if (!view.cluster->formed || strcmp(view.cluster->step, "nothing") != 0)
		return false;
	for (int i = 0; i < NODES; i++)
		if (!view.cluster->members[i].active)
			return false;
	return true;
}

static bool has_registered_two(void *ctx)
{
	(void)ctx;
	return nodes[1].registered && nodes[3].registered;
}

START_TEST(forms_a_cluster_in_one_batch)
{
	begin();
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	ck_assert_int_eq(script_count(sql_cluster_mint), 1);
	ck_assert_int_eq(script_count(sql_cluster_add_workers), 1);
	ck_assert_int_eq(script_count(sql_cluster_activate_workers), 1);
	ck_assert_uint_eq(view.cluster->registrations, NODES - 1);
	ck_assert_uint_eq(view.cluster->registration_failures, 0);
	end();
}
END_TEST

START_TEST(an_idle_cluster_is_looked_at_and_not_written_to)
{
	begin();
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	script_pass(MINUTE_MS);
	int admissions = script_count(sql_cluster_admit);
	int noted = script_count(sql_cluster_note_epochs);
	unsigned looks = view.cluster->looks;
	script_pass(30 * MINUTE_MS);
	ck_assert_uint_gt(view.cluster->looks, looks + 30);
	ck_assert_int_eq(script_count(sql_cluster_admit), admissions);
	ck_assert_int_eq(script_count(sql_cluster_note_epochs), noted);
	ck_assert_int_eq(script_count(sql_cluster_activate_workers), 1);
	end();
}
END_TEST

static bool is_out_of_reach(void *ctx)
{
	(void)ctx;
	return view.cluster->reach > view.cluster->count;
}

START_TEST(a_member_above_the_size_stays_one)
{
	begin();
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	end();
	view.size = NODES - 2;
	begin();
	ck_assert(script_run(is_out_of_reach, NULL, MINUTE_MS));
	int reach = view.cluster->reach;
	ck_assert_int_eq(reach, NODES);
	end();
	nodes[NODES - 1].admitted = false;
	begin_with(reach);
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	for (int i = 0; i < NODES; i++)
		ck_assert_int_eq(view.cluster->members[i].leaving, i >= NODES - 2);
	ck_assert(nodes[NODES - 1].admitted);
	end();
}
END_TEST

static int sum_of_epochs(void)
{
	int sum = 0;

	for (int i = 1; i < NODES; i++)
		sum += nodes[i].epoch;
	return sum;
}

/* A member's own, when it has written, and everybody's, when the coordinator has: within a glance,
 * and no more often. */
START_TEST(what_was_written_begins_an_epoch)
{
	begin();
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	script_pass(MINUTE_MS);
	int epoch = nodes[1].epoch, sum = sum_of_epochs();
	nodes[1].has_written = true;
	script_pass(20 * 1000);
	ck_assert_int_eq(nodes[1].epoch, epoch + 1);
	ck_assert_int_eq(sum_of_epochs(), sum + 1);
	nodes[0].has_written = true;
	script_pass(20 * 1000);
	ck_assert_int_eq(sum_of_epochs(), sum + 1 + NODES - 1);
	for (int n = 0; n < 60; n++) {
		nodes[1].has_written = true;
		script_pass(10 * 1000);
	}
	ck_assert_int_ge(nodes[1].epoch, epoch + 20);
	ck_assert_int_le(nodes[1].epoch, epoch + 2 + 60);
	end();
}
END_TEST

/* One bad node of a batch: the others join at once, it is tried ever more seldom. */
START_TEST(a_batch_that_fails_is_tried_one_by_one)
{
	world.refuses = nodes[2].host;
	begin();
	ck_assert(script_run(has_registered_two, NULL, MINUTE_MS));
	script_pass(20 * MINUTE_MS);
	/* One that Citus refuses does not hold up the others. */
	ck_assert(view.cluster->formed && !view.cluster->members[2].registered);
	ck_assert_ptr_nonnull(strstr(view.cluster->waiting_for, "citus-2"));
	ck_assert_uint_gt(view.cluster->members[2].failures, 10);
	ck_assert_uint_eq(view.cluster->members[1].failures, 0);
	/* Back-offs double from half a second to half a minute, each with up to half of it less;
	 * a look goes before each try. */
	ck_assert_int_gt(world.activation_count, 20 * 60 / 60);
	for (int i = 10; i < world.activation_count; i++)
		ck_assert_int_ge(world.activations[i] - world.activations[i - 1], 15 * 1000);
	world.refuses = NULL;
	ck_assert(script_run(is_formed, NULL, 2 * MINUTE_MS));
	ck_assert_uint_eq(view.cluster->members[2].failures, 0);
	end();
}
END_TEST

START_TEST(a_silent_worker_delays_nobody_else)
{
	static const enum script_host states[] = { HOST_DOWN, HOST_HANGING, HOST_LOCKED };
	static const enum member_state seen[] = { MEMBER_UNREACHABLE, MEMBER_HANGING,
		MEMBER_LOCKED };

	script_set_host(nodes[2].host, states[_i]);
	begin();
	/* The cluster is formed whole, so the others wait for it; they are known within a moment.
	 */
	script_pass(10 * 1000);
	ck_assert_int_eq(view.cluster->members[2].state, seen[_i]);
	ck_assert_int_eq(view.cluster->members[1].state, MEMBER_NEW);
	ck_assert_ptr_nonnull(strstr(view.cluster->waiting_for, "citus-2"));
	ck_assert(!nodes[1].registered);
	script_set_host(nodes[2].host, HOST_UP);
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	end();
}
END_TEST

/* Nothing is changed, and the step that is held up is known. */
START_TEST(a_pause_holds_up_changes)
{
	script_on(sql_cluster_read_wishes, read_pause);
	begin();
	script_pass(10 * MINUTE_MS);
	ck_assert_str_eq(view.cluster->paused_by, "wish");
	ck_assert_str_eq(view.cluster->step, "mint");
	ck_assert_int_eq(script_count(sql_cluster_mint), 0);
	ck_assert(!nodes[1].stamped && !nodes[1].in_citus);
	script_on(sql_cluster_read_wishes, read_no_wish);
	cluster_loop_wake(under_test, NULL);
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	ck_assert_ptr_null(view.cluster->paused_by);
	end();
}
END_TEST

/* The coordinator's own server goes away: rounds become seldom, and come back. */
START_TEST(rounds_that_fail_back_off)
{
	script_on(sql_cluster_read_cluster, answer_error);
	begin();
	script_pass(20 * MINUTE_MS);
	ck_assert_int_gt(script_count(sql_cluster_read_cluster), 20 * 60 / 60);
	ck_assert_uint_eq(view.cluster->looks, 0);
	script_on(sql_cluster_read_cluster, read_cluster);
	ck_assert(script_run(is_formed, NULL, 2 * MINUTE_MS));
	end();
}
END_TEST

/* More than forming sends. */
enum { STATEMENTS_MOST = 240 };

static void cut_off_at(int n, enum script_fault fault)
{
	set_up();
	script_set_fault(n, fault);
	begin();
	ck_assert_msg(script_run(is_formed, NULL, 20 * MINUTE_MS), "fault %d at statement %d: %s",
		fault, n, view.cluster->why);
	script_assert_cut_off(script_fault_is_over(), n, STATEMENTS_MOST);
	ck_assert_int_eq(script_count(sql_cluster_mint), 1);
	end();
	tear_down();
}

/* A cluster is formed whichever statement is cut off, before or after it has done its work; and the
 * same when the agent is another one from then on, which begins with what it sees. */
START_TEST(forms_whatever_is_cut_off)
{
	for (enum script_fault f = 0; f < SCRIPT_FAULT_COUNT; f++)
		cut_off_at(_i, f);
}
END_TEST

static bool is_cut_off(void *ctx)
{
	(void)ctx;
	return script_fault_is_over() || is_formed(NULL);
}

START_TEST(another_agent_goes_on)
{
	script_set_fault(_i, SCRIPT_BREAK_AFTER);
	begin();
	script_run(is_cut_off, NULL, 20 * MINUTE_MS);
	end();
	begin();
	ck_assert(script_run(is_formed, NULL, MINUTE_MS));
	ck_assert_int_eq(script_count(sql_cluster_mint), 1);
	end();
}
END_TEST

Suite *suite_loop(void);
Suite *suite_loop(void)
{
	Suite *suite = suite_create("loop");
	TCase *c = tcase_create("loop");
	TCase *cut = tcase_create("cut off");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, forms_a_cluster_in_one_batch);
	tcase_add_test(c, an_idle_cluster_is_looked_at_and_not_written_to);
	tcase_add_test(c, a_member_above_the_size_stays_one);
	tcase_add_test(c, what_was_written_begins_an_epoch);
	tcase_add_test(c, a_batch_that_fails_is_tried_one_by_one);
	tcase_add_loop_test(c, a_silent_worker_delays_nobody_else, 0, 3);
	tcase_add_test(c, a_pause_holds_up_changes);
	tcase_add_test(c, rounds_that_fail_back_off);
	tcase_add_loop_test(c, another_agent_goes_on, 1, STATEMENTS_MOST);
	suite_add_tcase(suite, c);
	tcase_add_loop_test(cut, forms_whatever_is_cut_off, 1, STATEMENTS_MOST + 1);
	suite_add_tcase(suite, cut);
	return suite;
}
