#include "repair/acts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "statements.h"

#include "base/banned.h"

static int bind_host(void *ctx, const char *parameters[])
{
	const struct repair_acts *acts = ctx;

	parameters[0] = acts->host;
	parameters[1] = acts->port;
	return 2;
}

static int bind_others(void *ctx, const char *parameters[])
{
	const struct repair_acts *acts = ctx;

	parameters[0] = acts->group;
	parameters[1] = acts->others;
	return 2;
}

static int bind_takers(void *ctx, const char *parameters[])
{
	const struct repair_acts *acts = ctx;

	parameters[0] = acts->group;
	parameters[1] = acts->takers;
	return 2;
}

static int if_needs_coordinator(void *ctx, const char *parameters[])
{
	const struct repair_acts *acts = ctx;

	(void)parameters;
	return acts->needs_coordinator ? 0 : SQL_SKIP;
}

static int on_takers(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_acts *acts = ctx;

	(void)e;
	mem_replace(&acts->takers, xstrdup(sql_field(result, row, 0)));
	acts->needs_coordinator = sql_number(result, row, 1, 0) == 0;
	return 0;
}

static int on_coordinator(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_acts *acts = ctx;

	(void)e;
	mem_replace(&acts->takers, xstrdup(sql_field(result, row, 0)));
	return 0;
}

static const struct sql_step activate[] = {
	{ .name = "give the member its metadata", .sql = sql_repair_activate, .bind = bind_host },
};

/* Citus deletes a node's copies in its catalog when a disabled node is activated. In one
 * transaction: so a member that is found disabled was disabled by somebody else. */
static const struct sql_step forget[] = {
	{ .name = "begin", .sql = "begin" },
	{ .name = "disable the member for a moment", .sql = sql_repair_disable, .bind = bind_host },
	{ .name = "give the member its metadata", .sql = sql_repair_activate, .bind = bind_host },
	{ .name = "commit", .sql = "commit" },
};

static const struct sql_step recreate[] = {
	{ .name = "create view \"placed\"", .sql = sql_repair_placed },
	{ .name = "make the lost shards again", .sql = sql_repair_recreate_shards },
};

/* The coordinator may hold shards only for as long as this transaction lasts. */
static const struct sql_step move[] = {
	{ .name = "create view \"placed\"", .sql = sql_repair_placed },
	{ .name = "copy the reference tables to the nodes that lack them",
		.sql = sql_repair_replicate_references },
	{ .name = "look for nodes that may take shards",
		.sql = sql_repair_read_takers,
		.bind = bind_others,
		.on_row = on_takers },
	{ .name = "begin", .sql = "begin", .bind = if_needs_coordinator },
	{ .name = "let the coordinator hold shards",
		.sql = sql_repair_open_coordinator,
		.bind = if_needs_coordinator,
		.on_row = on_coordinator },
	{ .name = "move the new shards away", .sql = sql_repair_move_shards, .bind = bind_takers },
	{ .name = "let the coordinator hold no more shards",
		.sql = sql_repair_close_coordinator,
		.bind = if_needs_coordinator },
	{ .name = "commit", .sql = "commit", .bind = if_needs_coordinator },
};

static const struct {
	const struct sql_step *steps;
	size_t count;
	bool is_there; /* on the member itself */
	const char *words;
} table[] = {
	[REPAIR_ACTIVATE] = { activate, ARRAY_LEN(activate), false, "metadata" },
	[REPAIR_RECREATE] = { recreate, ARRAY_LEN(recreate), true, "shards made again" },
	[REPAIR_MOVE] = { move, ARRAY_LEN(move), false, "new shards moved away" },
	[REPAIR_FORGET] = { forget, ARRAY_LEN(forget), false, "lost copies forgotten" },
};

static void on_done(void *ctx, const struct err *failure)
{
	struct repair_acts *acts = ctx;

	acts->done(acts->ctx, failure);
}

void repair_acts_do(struct repair_acts *acts, enum repair_act act, struct sql *here,
	struct sql *there, sql_done_fn done, void *ctx)
{
	acts->done = done;
	acts->ctx = ctx;
	sql_run(table[act].is_there ? there : here, table[act].steps, table[act].count, acts,
		on_done);
}

void repair_acts_fini(struct repair_acts *acts)
{
	free(acts->takers);
	*acts = (struct repair_acts){ .host = NULL };
}

const char *repair_act_words(enum repair_act act)
{
	return table[act].words;
}
