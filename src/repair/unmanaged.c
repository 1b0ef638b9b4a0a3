#include "repair/unmanaged.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/databases.h"
#include "sql/array.h"
#include "statements.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 10 * 1000 };

static int bind_managed(void *ctx, const char *parameters[])
{
	const struct unmanaged *u = ctx;

	parameters[0] = u->managed;
	return 1;
}

static int on_database(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct unmanaged *u = ctx;
	const char *name = sql_field(result, row, 0);

	if (strcmp(sql_field(result, row, 1), "t") != 0)
		return err_set(e, ERR_REFUSED,
			"database \"%s\" admits no session (datallowconn), and may hold shards: "
			"\"alter database\" it to allow connections, or drop it",
			name);
	u->names = xrealloc(u->names, (size_t)u->count + 1, sizeof(*u->names));
	u->names[u->count++] = xstrdup(name);
	return 0;
}

static int on_has_citus(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct unmanaged *u = ctx;

	(void)e;
	u->has_citus = strcmp(sql_field(result, row, 0), "t") == 0;
	return 0;
}

static int bind_others(void *ctx, const char *parameters[])
{
	const struct unmanaged *u = ctx;

	parameters[0] = u->others;
	parameters[1] = u->digest;
	return u->has_citus ? 2 : SQL_SKIP;
}

static int on_table(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct unmanaged *u = ctx;

	(void)e;
	loss_tally_add(u->tally, sql_field(result, row, 0), (long)sql_number(result, row, 1, 0));
	sql_copy_field(u->digest, u->digest_size, result, row, 2);
	return 0;
}

static const struct sql_step list[] = {
	{ .name = "list the databases",
		.sql = sql_repair_list_unmanaged,
		.bind = bind_managed,
		.on_row = on_database },
};

static const struct sql_step what_is_placed[] = {
	{ .name = "look for extension citus", .sql = sql_repair_has_citus, .on_row = on_has_citus },
	{ .name = "read what is placed on the member",
		.sql = sql_repair_read_unmanaged,
		.bind = bind_others,
		.on_row = on_table },
};

static void end(struct unmanaged *u, const struct err *failure)
{
	unmanaged_rest(u);
	u->done(u->ctx, failure);
}

static void next(struct unmanaged *u);

static void on_looked(void *ctx, const struct err *failure)
{
	struct unmanaged *u = ctx;
	struct err e;

	if (failure) {
		err_set(&e, failure->kind, "could not look into database \"%s\": %s",
			u->names[u->at], failure->msg);
		end(u, &e);
		return;
	}
	sql_close(u->sql);
	u->sql = NULL;
	u->at++;
	next(u);
}

static void next(struct unmanaged *u)
{
	if (u->at == u->count) {
		end(u, NULL);
		return;
	}
	u->has_citus = false;
	u->sql = sql_open_local(u->loop, u->socket_directory, u->port, u->names[u->at], TIMEOUT_MS);
	sql_run(u->sql, what_is_placed, ARRAY_LEN(what_is_placed), u, on_looked);
}

static void on_listed(void *ctx, const struct err *failure)
{
	struct unmanaged *u = ctx;

	if (failure)
		end(u, failure);
	else
		next(u);
}

/* The hosts of the nodes other than the one of that name, which is registered as host. */
static char *hosts_but(const struct identity *id, int nodes, const char *name, const char *host)
{
	struct sql_array array;

	sql_array_begin(&array);
	for (int i = 0; i < nodes; i++) {
		_free_ char *its_name = identity_name_of(id, i);
		_free_ char *its_host = identity_host_of(id, i);
		if (strcmp(its_name, name) != 0 && strcmp(its_host, host) != 0)
			sql_array_add(&array, "%s", its_host);
	}
	return sql_array_end(&array);
}

void unmanaged_look(
	struct unmanaged *u, const struct unmanaged_case *of, sql_done_fn done, void *ctx)
{
	u->tally = of->tally;
	u->digest = of->digest;
	u->digest_size = of->digest_size;
	u->done = done;
	u->ctx = ctx;
	mem_replace(&u->others, hosts_but(of->id, of->nodes, of->name, of->host));
	sql_run(u->home, list, ARRAY_LEN(list), u, on_listed);
}

void unmanaged_init(
	struct unmanaged *u, struct event_base *loop, const char *socket_directory, int port)
{
	struct sql_array array;

	*u = (struct unmanaged){ .loop = loop, .socket_directory = socket_directory, .port = port };
	u->home = sql_open_local(loop, socket_directory, port, DATABASE_HOME, TIMEOUT_MS);
	sql_array_begin(&array);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_array_add(&array, "%s", managed_databases[i]);
	u->managed = sql_array_end(&array);
}

void unmanaged_rest(struct unmanaged *u)
{
	sql_reset(u->home);
	sql_close(u->sql);
	u->sql = NULL;
	for (int i = 0; i < u->count; i++)
		free(u->names[i]);
	free(u->names);
	u->names = NULL;
	u->count = u->at = 0;
}

void unmanaged_fini(struct unmanaged *u)
{
	unmanaged_rest(u);
	sql_close(u->home);
	free(u->managed);
	free(u->others);
}
