#include "cluster/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/overrides.h"
#include "cluster/watch.h"
#include "node/databases.h"
#include "sql/array.h"
#include "statements.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 10 * 1000 };

static bool is_true(const PGresult *result, int row, int column)
{
	const char *text = sql_field(result, row, column);

	return text && strcmp(text, "t") == 0;
}

static void copy_address(struct address *to, const PGresult *result, int row, int host, int port)
{
	sql_copy_field(to->host, sizeof(to->host), result, row, host);
	to->port = (int)sql_number(result, row, port, 0);
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
	c->facts.settled = is_true(result, row, 2);
	copy_address(&c->facts.address, result, row, 3, 4);
	sql_copy_field(c->facts.next_id, sizeof(c->facts.next_id), result, row, 5);
	return 0;
}

static int on_own_identifier(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	sql_copy_field(
		c->facts.system_identifier, sizeof(c->facts.system_identifier), result, row, 0);
	return 0;
}

static struct catalog_row *row_of(struct catalog *c, const char *name)
{
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->rows[i].name, name) == 0)
			return &c->rows[i];
	return NULL;
}

static int on_record(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;
	struct catalog_row *of = row_of(c, sql_field(result, row, 0));

	(void)e;
	int ordinal = identity_ordinal_of(c->id, sql_field(result, row, 0));
	if (ordinal >= c->facts.reach && ordinal < MEMBERS_MAX)
		c->facts.reach = ordinal + 1;
	if (!of)
		return 0;
	of->record.intended = true;
	sql_copy_field(
		of->record.system_identifier, sizeof(of->record.system_identifier), result, row, 1);
	of->record.registered = sql_field(result, row, 2) != NULL;
	sql_copy_field(of->record.successor, sizeof(of->record.successor), result, row, 3);
	of->record.epoch.number = sql_number(result, row, 4, 0);
	sql_copy_field(of->record.epoch.id, sizeof(of->record.epoch.id), result, row, 5);
	sql_copy_field(of->record.next_epoch, sizeof(of->record.next_epoch), result, row, 6);
	copy_address(&of->record.address, result, row, 7, 8);
	sql_copy_field(
		of->record.recognised_start, sizeof(of->record.recognised_start), result, row, 9);
	return 0;
}

static int on_superseded(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	if (row == 0) {
		free(c->superseded);
		c->facts.superseded_count = PQntuples(result);
		c->superseded = xcalloc((size_t)c->facts.superseded_count, sizeof(*c->superseded));
		c->facts.superseded = c->superseded;
	}
	sql_copy_field(c->superseded[row].system_identifier,
		sizeof(c->superseded[row].system_identifier), result, row, 0);
	return 0;
}

static int on_wish(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;
	const char *what = sql_field(result, row, 0);
	struct catalog_row *of = row_of(c, sql_field(result, row, 1));

	(void)e;
	if (strcmp(what, "pause") == 0) {
		c->is_paused = true;
	} else if (strcmp(what, "abandon") == 0) {
		sql_copy_field(c->abandoned, sizeof(c->abandoned), result, row, 1);
		mem_replace(&c->abandoned_workers, xstrdup(sql_field(result, row, 2)));
	} else if (strcmp(what, "adopt") == 0) {
		sql_copy_field(c->adopted, sizeof(c->adopted), result, row, 1);
		c->adopts_as_new = sql_field(result, row, 2)[0] != '\0';
	} else if (strcmp(what, "form without") == 0 && of) {
		of->left_out = true;
	} else if (strcmp(what, "accept loss") == 0 && of) {
		sql_copy_field(of->record.accepted, sizeof(of->record.accepted), result, row, 2);
	}
	return 0;
}

static int on_incarnation(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (strcmp(managed_databases[i], sql_field(result, row, 0)) == 0)
			sql_copy_field(c->facts.databases[i].incarnation,
				sizeof(c->facts.databases[i].incarnation), result, row, 1);
	return 0;
}

static int if_incarnation_is_missing(void *ctx, const char *parameters[])
{
	const struct catalog *c = ctx;

	(void)parameters;
	for (int i = 0; c->facts.id[0] && i < MANAGED_COUNT; i++)
		if (!c->facts.databases[i].incarnation[0])
			return 0;
	return SQL_SKIP;
}

static int bind_names_if_missing(void *ctx, const char *parameters[])
{
	const struct catalog *c = ctx;

	parameters[0] = c->names;
	return if_incarnation_is_missing(ctx, parameters) == SQL_SKIP ? SQL_SKIP : 1;
}

static int on_fitness(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	watch_read_fitness(&c->facts.databases[c->looked_at].fitness, result, row);
	return 0;
}

static int on_outdated(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	watch_add_outdated(&c->facts.outdated, result, row);
	return 0;
}

static void add_stranger(struct catalog *c, const struct address *address, int group)
{
	struct stranger *last;

	c->strangers =
		xrealloc(c->strangers, (size_t)c->facts.stranger_count + 1, sizeof(*c->strangers));
	last = &c->strangers[c->facts.stranger_count++];
	*last = (struct stranger){ .database = c->looked_at, .group = group, .address = *address };
	c->facts.strangers = c->strangers;
}

static int bind_setting_names(void *ctx, const char *parameters[])
{
	const struct catalog *c = ctx;

	parameters[0] = c->setting_names;
	return 1;
}

static int on_setting(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	overrides_add(&c->facts.overridden, result, row);
	return 0;
}

static int on_entry(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct catalog *c = ctx;
	const struct member_entry entry = { .present = true,
		.group = (int)sql_number(result, row, 1, -1),
		.active = is_true(result, row, 2),
		.has_metadata = is_true(result, row, 3),
		.is_stale = is_true(result, row, 7),
		.shards = (long)sql_number(result, row, 5, 0) };
	struct address address;

	(void)e;
	copy_address(&address, result, row, 0, 6);
	if (entry.group == 0) {
		c->own[c->looked_at] = entry;
		c->facts.databases[c->looked_at].address = address;
		c->facts.databases[c->looked_at].holds_shards = is_true(result, row, 4);
		return 0;
	}
	for (int i = 0; i < c->count; i++) {
		if (!address_is(&address, c->rows[i].host, c->here.port))
			continue;
		c->rows[i].entries[c->looked_at] = entry;
		return 0;
	}
	add_stranger(c, &address, entry.group);
	return 0;
}

#define READ_CLUSTER                                                                               \
	{                                                                                          \
		.name = "read the cluster's id", .sql = sql_cluster_read_cluster,                  \
		.on_row = on_cluster                                                               \
	}

static const struct sql_step glance[] = { READ_CLUSTER };

static const struct sql_step look_home[] = {
	{ .name = "take the lock that lets only one agent act",
		.sql = sql_cluster_take_lock,
		.on_row = on_lock },
	READ_CLUSTER,
	{ .name = "read which data directory this is",
		.sql = sql_cluster_read_identifier,
		.on_row = on_own_identifier },
	{ .name = "read what is remembered of the members",
		.sql = sql_cluster_read_members,
		.on_row = on_record },
	{ .name = "read which directories were replaced",
		.sql = sql_cluster_read_superseded,
		.on_row = on_superseded },
	{ .name = "read what operators wish for",
		.sql = sql_cluster_read_wishes,
		.on_row = on_wish },
	{ .name = "read which databases are of another collation version",
		.sql = sql_cluster_read_outdated_databases,
		.on_row = on_outdated },
	{ .name = "read the databases' incarnations",
		.sql = sql_cluster_read_incarnations,
		.on_row = on_incarnation },
	{ .name = "give the databases their incarnations",
		.sql = sql_cluster_give_incarnations,
		.bind = bind_names_if_missing },
	{ .name = "read the databases' new incarnations",
		.sql = sql_cluster_read_incarnations,
		.bind = if_incarnation_is_missing,
		.on_row = on_incarnation },
};

static const struct sql_step look_citus[] = {
	{ .name = "read the coordinator's versions",
		.sql = sql_cluster_read_fitness,
		.on_row = on_fitness },
	{ .name = "read which collations are of another version",
		.sql = sql_cluster_read_outdated_collations,
		.on_row = on_outdated },
	{ .name = "read the settings that the cluster relies on",
		.sql = sql_cluster_read_server_settings,
		.bind = bind_setting_names,
		.on_row = on_setting },
	{ .name = "read Citus' nodes", .sql = sql_cluster_read_nodes, .on_row = on_entry },
};

static void look_at_database(struct catalog *c);

static void on_database_looked(void *ctx, const struct err *failure)
{
	struct catalog *c = ctx;

	sql_rest(c->databases[c->looked_at]);
	if (!failure && ++c->looked_at < MANAGED_COUNT)
		look_at_database(c);
	else
		c->done(c->ctx, failure);
}

static void look_at_database(struct catalog *c)
{
	sql_run(c->databases[c->looked_at], look_citus, ARRAY_LEN(look_citus), c,
		on_database_looked);
}

static void on_glanced(void *ctx, const struct err *failure)
{
	struct catalog *c = ctx;

	c->done(c->ctx, failure);
}

static void on_home_looked(void *ctx, const struct err *failure)
{
	struct catalog *c = ctx;

	if (failure || !c->may_enter)
		c->done(c->ctx, failure);
	else
		look_at_database(c);
}

/* An array with what text gives for each managed database. */
static char *array_of(
	const struct catalog *c, const char *(*text)(const struct catalog *c, int database))
{
	struct sql_array array;

	sql_array_begin(&array);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_array_add(&array, "%s", text(c, i));
	return sql_array_end(&array);
}

static const char *name_of(const struct catalog *c, int database)
{
	(void)c;
	return managed_databases[database];
}

static const char *incarnation_of(const struct catalog *c, int database)
{
	return c->facts.databases[database].incarnation;
}

char *catalog_incarnations(const struct catalog *c)
{
	return array_of(c, incarnation_of);
}

void catalog_init(struct catalog *c, struct event_base *loop, const struct identity *id,
	const char *socket_directory, int count)
{
	*c = (struct catalog){ .id = id, .count = count, .here.port = id->port };
	snprintf(c->here.host, sizeof(c->here.host), "%s", id->host);
	c->rows = xcalloc((size_t)c->count, sizeof(*c->rows));
	for (int i = 0; i < c->count; i++) {
		c->rows[i].name = identity_name_of(id, i + 1);
		c->rows[i].host = identity_host_of(id, i + 1);
	}
	c->home = sql_open_local(loop, socket_directory, id->port, DATABASE_HOME, TIMEOUT_MS);
	for (int i = 0; i < MANAGED_COUNT; i++)
		c->databases[i] = sql_open_local(
			loop, socket_directory, id->port, managed_databases[i], TIMEOUT_MS);
	c->abandoned_workers = xstrdup("");
	c->names = array_of(c, name_of);
	c->setting_names = overrides_names();
}

void catalog_fini(struct catalog *c)
{
	sql_close(c->home);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(c->databases[i]);
	free(c->names);
	free(c->setting_names);
	free(c->abandoned_workers);
	free(c->superseded);
	free(c->strangers);
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
	c->facts = (struct cluster_facts){ .here = c->here, .entered = c->may_enter };
	c->is_paused = c->adopts_as_new = false;
	c->abandoned[0] = c->adopted[0] = '\0';
	c->looked_at = 0;
	for (int d = 0; d < MANAGED_COUNT; d++)
		c->own[d] = (struct member_entry){ .group = -1 };
	for (int i = 0; i < c->count; i++) {
		struct catalog_row *row = &c->rows[i];
		row->record = (struct member_record){ .intended = false };
		row->left_out = false;
		for (int d = 0; d < MANAGED_COUNT; d++)
			row->entries[d] = (struct member_entry){ .group = -1 };
	}
	sql_run(c->home, look_home, ARRAY_LEN(look_home), c, on_home_looked);
}

void catalog_glance(struct catalog *c, sql_done_fn done, void *ctx)
{
	c->done = done;
	c->ctx = ctx;
	sql_run(c->home, glance, ARRAY_LEN(glance), c, on_glanced);
}
