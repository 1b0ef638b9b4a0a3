/*
 * An empty member's way back, in a cluster that knows nothing but its shards:
 * each act behaves as Citus' does (node_metadata.c, shard_transfer.c). Killed
 * anywhere and begun again, the catalog becomes true, and nothing is written off
 * that was not accepted.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "repair/repair.h"
#include "script.h"
#include "settings_made.h"
#include "statements.h"

#define MEMBER "citus-1"

enum { SHARDS = 4 };

/* Shards that the catalog places on the member. */
struct shard {
	const char *table;
	bool elsewhere; /* another good copy */
	bool placed;
	bool there;
};

static struct {
	struct shard shards[SHARDS];
	bool placed_in_citus, active;
	bool disabled; /* in the transaction that has not been committed */
	bool other_workers;
	bool coordinator_takes;
	bool has_shop; /* a database that is not managed, with Citus and a table on the member */
	bool shop_is_broken; /* it admits sessions, and cannot be read */
	bool shop_is_closed; /* it admits none */
	const char *new_identifier;
} world;

static struct event_base *loop;
static struct settings *settings;
static struct identity *id;
static struct repair *repair;
static struct script_end end;
static struct loss_report assessed;

static int only_there(void)
{
	int count = 0;

	for (int i = 0; i < SHARDS; i++)
		count += world.shards[i].placed && !world.shards[i].elsewhere;
	return count;
}

static void read_member(const struct script_call *call)
{
	if (world.placed_in_citus)
		SCRIPT_ROW(call, MEMBER, world.active ? "t" : "f");
}

/* Ids, and names that are the same. */
static char *list(bool (*is_in)(const struct shard *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	putc('{', out);
	for (int i = 0, n = 0; i < SHARDS; i++)
		if (is_in(&world.shards[i]))
			fprintf(out, "%s%d", n++ ? "," : "", i);
	putc('}', out);
	fclose(out);
	return text;
}

static bool is_placed(const struct shard *s)
{
	return s->placed;
}

static bool is_lost(const struct shard *s)
{
	return s->placed && !s->there;
}

static bool is_only_there(const struct shard *s)
{
	return s->placed && !s->elsewhere;
}

static void read_shards(const struct script_call *call)
{
	_free_ char *placed = list(is_placed);
	_free_ char *only = list(is_only_there);
	_free_ char *digest = xasprintf("digest of %s and %s", call->parameters[1], only);
	_free_ char *count = xasprintf("%d", only_there());

	SCRIPT_ROW(call, placed, placed, count, digest);
}

static void read_lost(const struct script_call *call)
{
	_free_ char *lost = list(is_lost);

	ck_assert_str_eq(call->host, MEMBER);
	SCRIPT_ROW(call, lost);
}

static void read_lost_tables(const struct script_call *call)
{
	for (int i = 0; i < SHARDS; i++)
		if (is_lost(&world.shards[i]))
			SCRIPT_ROW(call, world.shards[i].elsewhere ? "t" : "f", "1",
				world.shards[i].table);
}

static void activate(const struct script_call *call)
{
	(void)call;
	ck_assert(world.active);
}

static void disable(const struct script_call *call)
{
	if (only_there())
		script_error(call, "0A000", "it holds the only copy of a shard");
	else
		world.disabled = true;
}

/* The activation has taken the copies of a node that was disabled out of the catalog. */
static void commit(const struct script_call *call)
{
	(void)call;
	for (int i = 0; world.disabled && i < SHARDS; i++)
		if (world.shards[i].elsewhere)
			world.shards[i].placed = false;
	world.disabled = false;
}

static void recreate(const struct script_call *call)
{
	ck_assert_str_eq(call->host, MEMBER);
	for (int i = 0; i < SHARDS; i++)
		if (is_lost(&world.shards[i]) && !world.shards[i].elsewhere)
			world.shards[i].there = true;
}

static void read_takers(const struct script_call *call)
{
	if (world.other_workers)
		SCRIPT_ROW(call, "{citus-2}", "1");
	else
		SCRIPT_ROW(call, "{}", "0");
}

static void begin_transaction(const struct script_call *call)
{
	(void)call;
	world.coordinator_takes = world.disabled = false;
}

static void open_coordinator(const struct script_call *call)
{
	world.coordinator_takes = true;
	SCRIPT_ROW(call, "{citus-0}", "");
}

static void move_shards(const struct script_call *call)
{
	ck_assert(world.other_workers || world.coordinator_takes);
	ck_assert_str_eq(call->parameters[1], world.other_workers ? "{citus-2}" : "{citus-0}");
	for (int i = 0; i < SHARDS; i++) {
		if (!is_only_there(&world.shards[i]))
			continue;
		ck_assert(world.shards[i].there);
		world.shards[i].placed = false;
	}
}

static void list_unmanaged(const struct script_call *call)
{
	ck_assert_str_eq(call->parameters[0], "{\"citusdb\"}");
	SCRIPT_ROW(call, "postgres", "t");
	if (world.has_shop)
		SCRIPT_ROW(call, "shop", world.shop_is_closed ? "f" : "t");
}

static void has_citus(const struct script_call *call)
{
	if (world.shop_is_broken && strcmp(call->database, "shop") == 0)
		script_error(call, "XX000", "could not open file");
	else
		SCRIPT_ROW(call, strcmp(call->database, "shop") == 0 ? "t" : "f");
}

static void read_unmanaged(const struct script_call *call)
{
	_free_ char *digest = xasprintf("%d shop %s", only_there(), call->parameters[1]);

	ck_assert_str_eq(call->database, "shop");
	SCRIPT_ROW(call, "public.t of database shop (on " MEMBER ")", "3", digest);
}

static void set_up(void)
{
	static const struct script_line answers[] = {
		{ sql_repair_read_member, read_member },
		{ sql_repair_read_shards, read_shards },
		{ sql_repair_read_lost, read_lost },
		{ sql_repair_read_lost_tables, read_lost_tables },
		{ sql_repair_list_unmanaged, list_unmanaged },
		{ sql_repair_has_citus, has_citus },
		{ sql_repair_read_unmanaged, read_unmanaged },
		{ sql_repair_activate, activate },
		{ sql_repair_disable, disable },
		{ sql_repair_recreate_shards, recreate },
		{ sql_repair_read_takers, read_takers },
		{ sql_repair_open_coordinator, open_coordinator },
		{ sql_repair_move_shards, move_shards },
		{ "begin", begin_transaction },
		{ "commit", commit },
	};
	struct err e;

	loop = event_base_new();
	script_begin(loop);
	script_on_all(answers, ARRAY_LEN(answers));
	const char *const variables[] = { "POD_NAME=citus-0", NULL };
	settings = settings_made(variables);
	id = identity_of(settings, NULL, NULL, &e);
	repair = repair_open(loop, settings, id, 3, "/run");
}

static void tear_down(void)
{
	repair_close(repair);
	identity_free(id);
	settings_free(settings);
	event_base_free(loop);
}

/* What was lost: 'o' a shard that was only there, 'c' one with a copy elsewhere. */
static void lose(const char *shards)
{
	memset(&world, 0, sizeof(world));
	world.new_identifier = "2";
	world.placed_in_citus = world.active = world.other_workers = true;
	for (int i = 0; shards[i]; i++)
		world.shards[i] = (struct shard){ .table = shards[i] == 'o' ? "t" : "r",
			.elsewhere = shards[i] == 'c',
			.placed = true };
}

static struct repair_case case_with(const char *accepted)
{
	return (struct repair_case){ .name = MEMBER,
		.host = MEMBER,
		.group = 1,
		.lost_identifier = "1",
		.new_identifier = world.new_identifier,
		.accepted = accepted,
		.others = "{citus-2}" };
}

static void on_assessed(void *ctx, const struct loss_report *report, const struct err *failure)
{
	assessed = report ? *report : (struct loss_report){ .loss = LOSS_UNKNOWN };
	script_on_done(ctx, failure);
}

static const struct loss_report *assess(void)
{
	const struct repair_case of = case_with("");

	end.ends = 0;
	repair_assess(repair, &of, on_assessed, &end);
	script_wait(&end, 60 * 60 * 1000);
	return &assessed;
}

static const struct err *bring_back(const char *accepted)
{
	const struct repair_case of = case_with(accepted);

	end.ends = 0;
	repair_bring_back(repair, &of, script_on_done, &end);
	script_wait(&end, 60 * 60 * 1000);
	return &end.failure;
}

static void assert_nothing_was_changed(void)
{
	ck_assert_int_eq(script_count(sql_repair_activate), 0);
	ck_assert_int_eq(script_count(sql_repair_disable), 0);
	ck_assert_int_eq(script_count(sql_repair_recreate_shards), 0);
	ck_assert_int_eq(script_count(sql_repair_move_shards), 0);
}

/* The catalog places nothing on the member that is not there. */
static void assert_is_true(void)
{
	ck_assert(world.active);
	for (int i = 0; i < SHARDS; i++)
		ck_assert(!is_lost(&world.shards[i]));
}

static const struct {
	const char *shards;
	enum loss loss;
	const char *words;
	bool is_moved; /* by what Citus allows, only-copies among copies cannot stay */
} losses[] = {
	{ "", LOSS_NONE, "", false },
	{ "cc", LOSS_COPIES, "2 shards of 2 tables had a copy there, and have others: r, r",
		false },
	{ "oo", LOSS_ONLY_COPIES, "2 shards of 2 tables had their only copy there: t, t", false },
	{ "ococ", LOSS_ONLY_COPIES, "2 shards of 2 tables had their only copy there: t, t", true },
};

START_TEST(losses_are_assessed)
{
	lose(losses[_i].shards);
	const struct loss_report *report = assess();
	ck_assert_int_eq(end.failure.kind, ERR_NONE);
	ck_assert_int_eq(report->loss, losses[_i].loss);
	ck_assert_str_eq(report->words, losses[_i].words);
	ck_assert_int_eq(report->token[0] != '\0', report->loss == LOSS_ONLY_COPIES);
	assert_nothing_was_changed();
}
END_TEST

START_TEST(members_are_brought_back)
{
	lose(losses[_i].shards);
	_free_ char *token = xstrdup(assess()->token);
	const struct err *failure = bring_back(token);
	ck_assert_msg(failure->kind == ERR_NONE, "%s", failure->msg);
	assert_is_true();
	ck_assert_int_ge(script_count(sql_repair_activate), 1);
	ck_assert_int_eq(script_count(sql_repair_move_shards), losses[_i].is_moved);
	ck_assert_int_eq(script_count(sql_repair_disable), strchr(losses[_i].shards, 'c') != NULL);
}
END_TEST

START_TEST(a_loss_that_is_not_accepted_is_refused)
{
	static const char *const tokens[] = { "", "digest of 3 4 an", "d" };

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		lose("oc");
		ck_assert_int_eq(bring_back(tokens[i])->kind, ERR_REFUSED);
		ck_assert_ptr_nonnull(strstr(end.failure.msg, "1 shard of 1 table had its only"));
		assert_nothing_was_changed();
	}
}
END_TEST

/* Nobody else may take what is to be moved: the coordinator does, in one transaction. */
START_TEST(the_coordinator_takes_what_nobody_else_may)
{
	lose("oc");
	world.other_workers = false;
	_free_ char *token = xstrdup(assess()->token);
	ck_assert_int_eq(bring_back(token)->kind, ERR_NONE);
	assert_is_true();
	ck_assert_int_eq(script_count("begin"), 2); /* the other one takes the copies */
	ck_assert_int_eq(script_count(sql_repair_close_coordinator), 1);
	ck_assert_int_eq(script_count("commit"), 2);
}
END_TEST

/* More than a whole return sends. */
enum { STATEMENTS_MOST = 80 };

/* Cut off at every statement in turn, and tried again as the loop does. */
START_TEST(goes_on_where_it_was_cut_off)
{
	for (enum script_fault f = 0; f < SCRIPT_FAULT_COUNT; f++) {
		lose("ococ");
		_free_ char *token = xstrdup(assess()->token);
		script_set_fault(_i, f);
		bool was_cut_off = bring_back(token)->kind != ERR_NONE;
		script_assert_cut_off(was_cut_off, _i, STATEMENTS_MOST);
		script_set_fault(0, f);
		/* What was accepted stays the same loss. */
		ck_assert_msg(bring_back(token)->kind == ERR_NONE, "%s", end.failure.msg);
		assert_is_true();
	}
}
END_TEST

static void do_nothing(const struct script_call *call)
{
	(void)call;
}

START_TEST(an_act_that_changes_nothing_is_not_repeated_for_ever)
{
	lose("oo");
	_free_ char *token = xstrdup(assess()->token);
	script_on(sql_repair_recreate_shards, do_nothing);
	ck_assert_int_eq(bring_back(token)->kind, ERR_SQL);
	ck_assert_ptr_nonnull(strstr(end.failure.msg, "is as it was before the last step"));
	ck_assert_int_eq(script_count(sql_repair_recreate_shards), 1);
}
END_TEST

static void read_stranger(const struct script_call *call)
{
	SCRIPT_ROW(call, "citus-7", "t");
}

START_TEST(another_hosts_group_is_left_alone)
{
	lose("cc");
	script_on(sql_repair_read_member, read_stranger);
	ck_assert_int_eq(bring_back("")->kind, ERR_SQL);
	ck_assert_ptr_nonnull(strstr(end.failure.msg, "group 1 is citus-7 in pg_dist_node"));
	assert_nothing_was_changed();
}
END_TEST

/* What somebody disabled is not activated, and what somebody removed is not tried for ever. */
START_TEST(a_member_that_is_not_active_is_left_alone)
{
	lose("cc");
	world.active = false;
	ck_assert_int_eq(bring_back("")->kind, ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(end.failure.msg, "somebody disabled or removed it"));
	world.placed_in_citus = false;
	ck_assert_int_eq(bring_back("")->kind, ERR_REFUSED);
	assert_nothing_was_changed();
}
END_TEST

START_TEST(shards_in_a_database_that_is_not_managed_are_a_loss)
{
	lose("");
	world.has_shop = true;
	ck_assert_int_eq(assess()->loss, LOSS_ONLY_COPIES);
	ck_assert_str_eq(assessed.words,
		"3 shards of 1 table were there in databases that citus-init does not manage and "
		"makes nothing anew in: public.t of database shop (on " MEMBER ")");
	_free_ char *token = xstrdup(assessed.token);
	ck_assert_int_eq(bring_back("")->kind, ERR_REFUSED);
	assert_nothing_was_changed();
	ck_assert_int_eq(bring_back(token)->kind, ERR_NONE);
	assert_is_true();

	/* Both kinds are told, and another token stands for both. */
	lose("oc");
	world.has_shop = true;
	ck_assert_ptr_nonnull(
		strstr(assess()->words, "1 shard of 1 table had its only copy there"));
	ck_assert_ptr_nonnull(strstr(assessed.words, "; 3 shards of 1 table were there"));
	ck_assert_str_ne(assessed.token, token);
	_free_ char *of_both = xstrdup(assessed.token);
	ck_assert_int_eq(bring_back(of_both)->kind, ERR_NONE);
}
END_TEST

START_TEST(a_directory_that_is_the_same_has_lost_nothing_in_other_databases)
{
	lose("");
	world.has_shop = true;
	world.new_identifier = "1";
	ck_assert_int_eq(assess()->loss, LOSS_NONE);
	ck_assert_int_eq(bring_back("")->kind, ERR_NONE);
}
END_TEST

START_TEST(a_database_that_cannot_be_looked_into_is_not_nothing)
{
	for (int is_closed = 0; is_closed < 2; is_closed++) {
		lose("");
		world.has_shop = true;
		world.shop_is_closed = is_closed;
		world.shop_is_broken = !is_closed;
		ck_assert_int_eq(assess()->loss, LOSS_UNKNOWN);
		ck_assert_ptr_nonnull(strstr(end.failure.msg, "database \"shop\""));
		ck_assert_int_ne(bring_back("")->kind, ERR_NONE);
		ck_assert_ptr_nonnull(strstr(end.failure.msg, "database \"shop\""));
		assert_nothing_was_changed();
	}
}
END_TEST

Suite *suite_repair(void);
Suite *suite_repair(void)
{
	Suite *suite = suite_create("repair");
	TCase *c = tcase_create("repair");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, losses_are_assessed, 0, (int)ARRAY_LEN(losses));
	tcase_add_loop_test(c, members_are_brought_back, 0, (int)ARRAY_LEN(losses));
	tcase_add_test(c, a_loss_that_is_not_accepted_is_refused);
	tcase_add_test(c, the_coordinator_takes_what_nobody_else_may);
	tcase_add_loop_test(c, goes_on_where_it_was_cut_off, 1, STATEMENTS_MOST + 1);
	tcase_add_test(c, an_act_that_changes_nothing_is_not_repeated_for_ever);
	tcase_add_test(c, another_hosts_group_is_left_alone);
	tcase_add_test(c, a_member_that_is_not_active_is_left_alone);
	tcase_add_test(c, shards_in_a_database_that_is_not_managed_are_a_loss);
	tcase_add_test(c, a_directory_that_is_the_same_has_lost_nothing_in_other_databases);
	tcase_add_test(c, a_database_that_cannot_be_looked_into_is_not_nothing);
	suite_add_tcase(suite, c);
	return suite;
}
