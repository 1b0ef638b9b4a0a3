#include "repair/look.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "statements.h"

#include "base/banned.h"

static int bind_group(void *ctx, const char *parameters[])
{
	const struct repair_look *look = ctx;

	parameters[0] = look->group;
	return 1;
}

static int bind_shards(void *ctx, const char *parameters[])
{
	const struct repair_look *look = ctx;

	parameters[0] = look->group;
	parameters[1] = look->digest;
	return 2;
}

static int bind_names(void *ctx, const char *parameters[])
{
	const struct repair_look *look = ctx;

	parameters[0] = look->ids;
	parameters[1] = look->names;
	return 2;
}

static int bind_lost(void *ctx, const char *parameters[])
{
	const struct repair_look *look = ctx;

	parameters[0] = look->group;
	parameters[1] = look->lost;
	return 2;
}

static int on_node(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_look *look = ctx;
	const char *host = sql_field(result, row, 0);

	if (strcmp(host, look->host) != 0)
		return err_set(e, ERR_SQL, "group %s is %s in pg_dist_node, not %s", look->group,
			host, look->host);
	look->is_active = strcmp(sql_field(result, row, 1), "t") == 0;
	return 0;
}

static int on_shards(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_look *look = ctx;

	(void)e;
	mem_replace(&look->ids, xstrdup(sql_field(result, row, 0)));
	mem_replace(&look->names, xstrdup(sql_field(result, row, 1)));
	look->found.only_there = (long)sql_number(result, row, 2, 0);
	sql_copy_field(look->digest, sizeof(look->digest), result, row, 3);
	return 0;
}

static int on_lost(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_look *look = ctx;

	(void)e;
	mem_replace(&look->lost, xstrdup(sql_field(result, row, 0)));
	return 0;
}

static int on_lost_table(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair_look *look = ctx;
	bool is_elsewhere = strcmp(sql_field(result, row, 0), "t") == 0;
	long shards = (long)sql_number(result, row, 1, 0);

	(void)e;
	*(is_elsewhere ? &look->found.lost_copies : &look->found.lost) += shards;
	loss_tally_add(
		is_elsewhere ? &look->copies : &look->only, sql_field(result, row, 2), shards);
	return 0;
}

static const struct sql_step what_belongs[] = {
	{ .name = "limit the wait for locks", .sql = sql_repair_limit_lock_wait },
	{ .name = "create view \"placed\"", .sql = sql_repair_placed },
	{ .name = "look for the member in pg_dist_node",
		.sql = sql_repair_read_member,
		.bind = bind_group,
		.on_row = on_node },
	{ .name = "read which shards belong on the member",
		.sql = sql_repair_read_shards,
		.bind = bind_shards,
		.on_row = on_shards },
};

static const struct sql_step what_is_there[] = {
	{ .name = "limit the wait for locks", .sql = sql_repair_limit_lock_wait },
	{ .name = "ask the member which of its shards it lacks",
		.sql = sql_repair_read_lost,
		.bind = bind_names,
		.on_row = on_lost },
};

static const struct sql_step what_is_elsewhere[] = {
	{ .name = "create view \"placed\"", .sql = sql_repair_placed },
	{ .name = "read whose shards were lost",
		.sql = sql_repair_read_lost_tables,
		.bind = bind_lost,
		.on_row = on_lost_table },
};

static void on_elsewhere(void *ctx, const struct err *failure)
{
	struct repair_look *look = ctx;

	look->done(look->ctx, failure);
}

static void on_there(void *ctx, const struct err *failure)
{
	struct repair_look *look = ctx;

	if (failure)
		look->done(look->ctx, failure);
	else
		sql_run(look->here, what_is_elsewhere, ARRAY_LEN(what_is_elsewhere), look,
			on_elsewhere);
}

static void on_here(void *ctx, const struct err *failure)
{
	struct repair_look *look = ctx;

	if (!failure && !look->is_active) {
		struct err e;
		err_set(&e, ERR_REFUSED,
			"%s is not an active node of Citus any more: somebody disabled or removed "
			"it",
			look->host);
		look->done(look->ctx, &e);
		return;
	}
	if (failure)
		look->done(look->ctx, failure);
	else
		sql_run(look->there, what_is_there, ARRAY_LEN(what_is_there), look, on_there);
}

void repair_look_run(
	struct repair_look *look, struct sql *here, struct sql *there, sql_done_fn done, void *ctx)
{
	look->here = here;
	look->there = there;
	look->done = done;
	look->ctx = ctx;
	look->is_active = false;
	look->found = (struct repair_findings){ .lost = 0 };
	sql_run(here, what_belongs, ARRAY_LEN(what_belongs), look, on_here);
}

void repair_look_begin(
	struct repair_look *look, const char *host, const char *group, const char *seed)
{
	*look = (struct repair_look){ .host = host, .group = group };
	snprintf(look->digest, sizeof(look->digest), "%s", seed);
	loss_tally_begin(&look->unmanaged);
	repair_look_restart(look);
}

void repair_look_restart(struct repair_look *look)
{
	loss_tally_end(&look->only);
	loss_tally_end(&look->copies);
	loss_tally_begin(&look->only);
	loss_tally_begin(&look->copies);
}

void repair_look_end(struct repair_look *look)
{
	loss_tally_end(&look->only);
	loss_tally_end(&look->copies);
	loss_tally_end(&look->unmanaged);
	free(look->ids);
	free(look->names);
	free(look->lost);
	*look = (struct repair_look){ .host = NULL };
}

struct loss_report repair_look_report(const struct repair_look *look)
{
	return loss_report_of(&look->only, &look->copies, &look->unmanaged, look->digest);
}
