#include "agent/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "agent/setup.h"
#include "agent/watch.h"
#include "base/mem.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 10 * 1000 };

static bool is_true(const PGresult *result, int row, int column)
{
	const char *text = sql_field(result, row, column);

	return text && strcmp(text, "t") == 0;
}

static int on_lock(void *ctx, const PGresult *result, int row, struct err *e)
{
	(void)ctx;
	if (is_true(result, row, 0))
		return 0;
	return err_set(e, ERR_SQL, "another agent holds the lock");
}

static int on_cluster(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	sql_copy_field(c->facts.id, sizeof(c->facts.id), result, row, 0);
	c->facts.formed = sql_field(result, row, 1) != NULL;
	return 0;
}

static int on_record(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	for (int i = 0; i < c->count; i++) {
		struct member_record *record = &c->rows[i].record;
		if (strcmp(c->rows[i].name, sql_field(result, row, 0)) != 0)
			continue;
		record->intended = true;
		sql_copy_field(record->system_identifier, sizeof(record->system_identifier), result,
			row, 1);
		record->registered = sql_field(result, row, 2) != NULL;
	}
	return 0;
}

static int on_fitness(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	watch_read_fitness(&c->facts.fitness, result, row, 0);
	return 0;
}

static int on_entry(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;
	const struct member_entry entry = { .present = true,
		.group = (int)sql_number(result, row, 1, -1),
		.active = is_true(result, row, 2),
		.shards = (long)sql_number(result, row, 4, 0) };

	(void)e;
	if (entry.group == 0) {
		c->own = entry;
		sql_copy_field(c->facts.host, sizeof(c->facts.host), result, row, 0);
		c->facts.holds_shards = is_true(result, row, 3);
		return 0;
	}
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->rows[i].host, sql_field(result, row, 0)) == 0)
			c->rows[i].entry = entry;
	return 0;
}

/* The lock's number is this program's: "citus-init" on a telephone's keys. */
static const struct sql_step look_home[] = {
	{ .name = "take the lock that lets only one agent act",
		.sql = "select count(*) > 0 or pg_try_advisory_lock(2488746484) from pg_locks"
		       " where locktype = 'advisory' and pid = pg_backend_pid() and granted",
		.on_row = on_lock },
	{ .name = "read the cluster's id",
		.sql = "select id, formed_at from citus_init.cluster",
		.on_row = on_cluster },
	{ .name = "read what is remembered of the members",
		.sql = "select name, system_identifier, registered_at from citus_init.member",
		.on_row = on_record },
};

static const struct sql_step look_citus[] = {
	{ .name = "read the coordinator's versions",
		.sql = "select " WATCH_FITNESS_COLUMNS
		       " from pg_database where datname = current_database()",
		.on_row = on_fitness },
	{ .name = "read Citus' nodes",
		.sql = "select nodename, groupid, isactive, shouldhaveshards, (select count(*)"
		       " from pg_dist_placement p where p.groupid = n.groupid) from pg_dist_node n"
		       " where noderole = 'primary'",
		.on_row = on_entry },
};

static void on_citus_looked(void *ctx, const struct err *failure)
{
	struct catalog *c = ctx;

	sql_disconnect(c->citus);
	c->done(c->ctx, failure);
}

static void on_home_looked(void *ctx, const struct err *failure)
{
	struct catalog *c = ctx;

	if (failure)
		c->done(c->ctx, failure);
	else
		sql_run(c->citus, look_citus, ARRAY_LEN(look_citus), c, on_citus_looked);
}

void catalog_init(struct catalog *c, struct event_base *loop, const struct identity *id,
	const char *socket_directory)
{
	*c = (struct catalog){ .count = id->size - 1 };
	c->rows = xcalloc((size_t)c->count, sizeof(*c->rows));
	for (int i = 0; i < c->count; i++) {
		c->rows[i].name = identity_name_of(id, i + 1);
		c->rows[i].host = identity_host_of(id, i + 1);
	}
	c->home = sql_open_local(loop, socket_directory, id->port, SETUP_HOME_DATABASE, TIMEOUT_MS);
	c->citus = sql_open_local(loop, socket_directory, id->port, SETUP_DATABASE, TIMEOUT_MS);
}

void catalog_fini(struct catalog *c)
{
	sql_close(c->home);
	sql_close(c->citus);
	for (int i = 0; i < c->count; i++) {
		free(c->rows[i].name);
		free(c->rows[i].host);
	}
	free(c->rows);
}

void catalog_look(struct catalog *c, sql_done_fn done, void *ctx)
{
	c->done = done;
	c->ctx = ctx;
	c->facts = (struct cluster_facts){ .formed = false };
	c->own = (struct member_entry){ .group = -1 };
	for (int i = 0; i < c->count; i++) {
		c->rows[i].record = (struct member_record){ .intended = false };
		c->rows[i].entry = (struct member_entry){ .group = -1 };
	}
	sql_run(c->home, look_home, ARRAY_LEN(look_home), c, on_home_looked);
}
