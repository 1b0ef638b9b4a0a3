#include "repair/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "node/databases.h"
#include "statements.h"

#include "base/banned.h"

/* One statement copies all reference tables, or one table's shards. */
enum { COPY_TIMEOUT_MS = 12 * 60 * 60 * 1000 };

struct copies {
	struct sql *databases[MANAGED_COUNT];
	int at;
	bool lacks_references;
	char table[24]; /* the oid of the last table that was looked at, "0" before the first */
	char factor[12];
	bool is_found;
	struct err failure; /* the first one */
	sql_done_fn done;   /* NULL: not busy */
	void *ctx;
};

static int on_lacks_references(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct copies *c = ctx;

	(void)e;
	c->lacks_references = strcmp(sql_field(result, row, 0), "t") == 0;
	if (c->lacks_references)
		log_info("copying the reference tables to the nodes that lack them database=%s",
			managed_databases[c->at]);
	return 0;
}

static int if_lacks_references(void *ctx, const char *parameters[])
{
	const struct copies *c = ctx;

	(void)parameters;
	return c->lacks_references ? 0 : SQL_SKIP;
}

static int bind_last_table(void *ctx, const char *parameters[])
{
	const struct copies *c = ctx;

	parameters[0] = c->table;
	return 1;
}

static int on_table(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct copies *c = ctx;

	(void)e;
	c->is_found = true;
	sql_copy_field(c->table, sizeof(c->table), result, row, 0);
	sql_copy_field(c->factor, sizeof(c->factor), result, row, 1);
	log_info("copying shards that have too few copies database=%s table=%s copies=%s",
		managed_databases[c->at], sql_field(result, row, 2), c->factor);
	return 0;
}

static int bind_table(void *ctx, const char *parameters[])
{
	const struct copies *c = ctx;

	if (!c->is_found)
		return SQL_SKIP;
	parameters[0] = c->table;
	parameters[1] = c->factor;
	return 2;
}

static const struct sql_step references[] = {
	{ .name = "limit the wait for locks", .sql = sql_repair_limit_lock_wait },
	{ .name = "look for nodes that lack reference tables",
		.sql = sql_repair_lacks_references,
		.on_row = on_lacks_references },
	{ .name = "copy the reference tables to the nodes that lack them",
		.sql = sql_repair_replicate_references,
		.bind = if_lacks_references },
};

/* One table after the other, each tried once. */
static const struct sql_step next_table[] = {
	{ .name = "limit the wait for locks", .sql = sql_repair_limit_lock_wait },
	{ .name = "look for shards that have too few copies",
		.sql = sql_repair_next_table,
		.bind = bind_last_table,
		.on_row = on_table },
	{ .name = "copy the shards that have too few copies",
		.sql = sql_repair_copy_table,
		.bind = bind_table },
};

static void start_database(struct copies *c);

static void end(struct copies *c)
{
	sql_done_fn done = c->done;

	c->done = NULL;
	done(c->ctx, c->failure.kind == ERR_NONE ? NULL : &c->failure);
}

static void on_table_done(void *ctx, const struct err *failure)
{
	struct copies *c = ctx;

	if (failure && c->failure.kind == ERR_NONE)
		c->failure = *failure;
	/* A table that cannot be copied does not hold up the others. */
	if (c->is_found) {
		c->is_found = false;
		sql_run(c->databases[c->at], next_table, ARRAY_LEN(next_table), c, on_table_done);
		return;
	}
	sql_rest(c->databases[c->at]);
	if (++c->at < MANAGED_COUNT)
		start_database(c);
	else
		end(c);
}

static void start_database(struct copies *c)
{
	snprintf(c->table, sizeof(c->table), "0");
	/* So that on_table_done() goes on from the reference tables to the first of the others. */
	c->is_found = true;
	sql_run(c->databases[c->at], references, ARRAY_LEN(references), c, on_table_done);
}

struct copies *copies_open(struct event_base *loop, int port, const char *socket_directory)
{
	struct copies *c = xcalloc(1, sizeof(*c));

	for (int i = 0; i < MANAGED_COUNT; i++)
		c->databases[i] = sql_open_local(
			loop, socket_directory, port, managed_databases[i], COPY_TIMEOUT_MS);
	return c;
}

void copies_close(struct copies *c)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(c->databases[i]);
	free(c);
}

void copies_make(struct copies *c, sql_done_fn done, void *ctx)
{
	c->done = done;
	c->ctx = ctx;
	c->at = 0;
	c->failure = (struct err){ .kind = ERR_NONE };
	start_database(c);
}

bool copies_is_busy(const struct copies *c)
{
	return c->done != NULL;
}
