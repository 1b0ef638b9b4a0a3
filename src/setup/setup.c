#include "setup/setup.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "node/databases.h"
#include "node/fixed_roles.h"
#include "node/passfile.h"
#include "sql/recogniser.h"
#include "sql/scram.h"
#include "sql/sql.h"
#include "statements.h"

#include "base/banned.h"

/* CREATE EXTENSION citus on a slow disk is the longest of them. */
enum { STATEMENT_TIMEOUT_MS = 120 * 1000 };

struct setup {
	const struct settings *settings;
	struct node_view *view;
	struct sql *home;  /* DATABASE_HOME; kept, for it hears what is told to this node */
	bool is_listening; /* that session */
	setup_heard_fn heard;
	void *heard_ctx;
	struct sql *citus; /* DATABASE_CITUS; connected only while it is needed */
	const struct sql_step *citus_steps;
	size_t citus_count;
	setup_done_fn done;
	void *ctx;

	/* What the steps have read. */
	bool admitted;
	enum member_state shut;
	bool was_quieted;
	bool role_exists[FIXED_ROLE_COUNT];
	bool role_matches[FIXED_ROLE_COUNT];
	char *verifiers[FIXED_ROLE_COUNT];
	bool recogniser_matches;
	char *recogniser_verifier;
	bool database_exists;
	bool extension_exists;
	bool extension_is_current;
};

static int on_version(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;

	(void)e;
	sql_copy_field(s->view->version, sizeof(s->view->version), result, row, 0);
	s->view->major = (int)sql_number(result, row, 1, 0);
	s->view->has_output_plugin_libraries = strcmp(sql_field(result, row, 2), "t") == 0;
	return 0;
}

/* Citus is given on postgres' command line (node/server_settings.h), so this is about a postgres
 * that is not what it seems. Without the library a distributed table is an empty one, and answers
 * are short without an error. */
static int on_library(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;
	const char *file = sql_field(result, row, 3);

	s->view->lacks_library = strcmp(sql_field(result, row, 0), "t") != 0;
	if (!s->view->lacks_library)
		return 0;
	return err_set(e, ERR_CONFIG,
		"Citus' library is not loaded, and the node stays closed: the server runs with "
		"shared_preload_libraries = \"%s\", from %s%s%s; citus must be its first",
		sql_field(result, row, 1), file ? file : sql_field(result, row, 2),
		file ? " line " : "", file ? sql_field(result, row, 4) : "");
}

static int if_not_listening(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->is_listening ? SQL_SKIP : 0;
}

static int on_quieted(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;

	(void)e;
	s->was_quieted = sql_number(result, row, 0, 0) > 0;
	return 0;
}

static int if_quieted(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->was_quieted ? 0 : SQL_SKIP;
}

static int on_this_node(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;
	const char *name = sql_field(result, row, 1);
	const char *shut = sql_field(result, row, 5);

	sql_copy_field(s->view->cluster_id, sizeof(s->view->cluster_id), result, row, 0);
	sql_copy_field(s->view->abandoned, sizeof(s->view->abandoned), result, row, 4);
	if (strcmp(name, s->view->identity->name) != 0)
		return err_set(e, ERR_REFUSED,
			"the data directory belongs to %s, not to %s: give each its own volume",
			name, s->view->identity->name);
	s->view->formed = sql_number(result, row, 2, 0) > 0;
	s->admitted = strcmp(sql_field(result, row, 3), "t") == 0;
	s->shut = shut ? member_state_of_name(shut) : MEMBER_UNKNOWN;
	return 0;
}

static int on_identifier(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;

	(void)e;
	sql_copy_field(
		s->view->system_identifier, sizeof(s->view->system_identifier), result, row, 0);
	sql_copy_field(s->view->server_start, sizeof(s->view->server_start), result, row, 1);
	return 0;
}

static int on_recogniser(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;
	char *password = recogniser_password(settings_secret(s->settings, SET_SUPERPASS));

	(void)e;
	s->recogniser_matches = scram_verifier_matches(sql_field(result, row, 0), password);
	secret_free(password);
	return 0;
}

/* "" for one that needs no new one. */
static int bind_recogniser(void *ctx, const char *parameters[])
{
	struct setup *s = ctx;

	free(take_ptr(s->recogniser_verifier));
	parameters[0] = "";
	if (s->recogniser_matches)
		return 1;
	char *password = recogniser_password(settings_secret(s->settings, SET_SUPERPASS));
	struct err e;
	/* Without a verifier the parameter is NULL, and the server refuses the next step. */
	(void)!scram_make_verifier(password, &s->recogniser_verifier, &e);
	secret_free(password);
	parameters[0] = s->recogniser_verifier;
	return 1;
}

static int on_role(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;
	const char *name = sql_field(result, row, 0);

	(void)e;
	for (size_t i = 0; i < FIXED_ROLE_COUNT; i++) {
		if (strcmp(fixed_roles[i].name, name) != 0)
			continue;
		s->role_exists[i] = true;
		s->role_matches[i] = scram_verifier_matches(sql_field(result, row, 1),
			settings_secret(s->settings, fixed_roles[i].password));
	}
	return 0;
}

/* A new verifier for each role that wants one, "" for the others. */
static int bind_verifiers(
	struct setup *s, bool (*wants_one)(const struct setup *, size_t), const char *parameters[])
{
	bool any = false;

	for (size_t i = 0; i < FIXED_ROLE_COUNT; i++) {
		struct err e;

		free(s->verifiers[i]);
		s->verifiers[i] = NULL;
		parameters[i] = "";
		if (!wants_one(s, i))
			continue;
		any = true;
		/* Without a verifier the parameter is NULL, and the server refuses the step. */
		(void)!scram_make_verifier(settings_secret(s->settings, fixed_roles[i].password),
			&s->verifiers[i], &e);
		parameters[i] = s->verifiers[i];
	}
	return any ? FIXED_ROLE_COUNT : SQL_SKIP;
}

static bool is_missing(const struct setup *s, size_t i)
{
	return !s->role_exists[i];
}

/* A member worker's propagated roles are the coordinator's to change. */
static bool is_outdated(const struct setup *s, size_t i)
{
	bool member_worker = s->view->identity->role == ROLE_WORKER && s->view->group > 0;

	return s->role_exists[i] && !s->role_matches[i] &&
	       !(fixed_roles[i].is_propagated && member_worker);
}

static int bind_missing_roles(void *ctx, const char *parameters[])
{
	return bind_verifiers(ctx, is_missing, parameters);
}

static int bind_outdated_roles(void *ctx, const char *parameters[])
{
	return bind_verifiers(ctx, is_outdated, parameters);
}

static int if_verifiers(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	for (size_t i = 0; i < FIXED_ROLE_COUNT; i++)
		if (s->verifiers[i])
			return 0;
	return SQL_SKIP;
}

static int bind_database(void *ctx, const char *parameters[])
{
	(void)ctx;
	parameters[0] = DATABASE_CITUS;
	return 1;
}

static int on_database(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;

	(void)e;
	s->database_exists = sql_number(result, row, 0, 0) > 0;
	return 0;
}

static int if_no_database(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->database_exists ? SQL_SKIP : 0;
}

static int on_extension(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;
	const char *installed = sql_field(result, row, 0);
	const char *available = sql_field(result, row, 1);

	(void)e;
	s->extension_exists = installed != NULL;
	s->extension_is_current = installed && available && strcmp(installed, available) == 0;
	return 0;
}

static int if_no_extension(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->extension_exists ? SQL_SKIP : 0;
}

/* Made by somebody without citus-init: its cluster may be at work elsewhere. */
static int on_metadata(void *ctx, const PGresult *result, int row, struct err *e)
{
	const struct setup *s = ctx;
	bool is_worker = s->view->identity->role == ROLE_WORKER;
	long long group = sql_number(result, row, 0, 0), nodes = sql_number(result, row, 1, 0);
	long long tables = sql_number(result, row, 2, 0);

	if (group == 0 && nodes == 0 && !(is_worker && tables > 0))
		return 0;
	return err_set(e, ERR_REFUSED,
		"the data directory is part of a Citus cluster that citus-init does not know "
		"(group %lld, %lld workers, %lld tables), and is not touched: give the node its "
		"own volume",
		group, nodes, tables);
}

static int if_extension(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->extension_exists ? 0 : SQL_SKIP;
}

static int if_old_extension(void *ctx, const char *parameters[])
{
	const struct setup *s = ctx;

	(void)parameters;
	return s->extension_exists && !s->extension_is_current ? 0 : SQL_SKIP;
}

static int on_group(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct setup *s = ctx;

	(void)e;
	s->view->group = (int)sql_number(result, row, 0, -1);
	sql_copy_field(s->view->citus, sizeof(s->view->citus), result, row, 1);
	s->view->admitted = s->admitted;
	s->view->shut = s->shut;
	return 0;
}

/* First, so that what is told while the rest is read is heard. */
#define LISTEN                                                                                     \
	{                                                                                          \
		.name = "listen", .sql = "listen citus_init", .bind = if_not_listening             \
	}
#define READ_THIS_NODE                                                                             \
	{                                                                                          \
		.name = "read the cluster's id", .sql = sql_setup_read_this_node,                  \
		.on_row = on_this_node                                                             \
	}
#define READ_GROUP                                                                                 \
	{                                                                                          \
		.name = "read the node's group", .sql = sql_setup_read_group, .on_row = on_group   \
	}

static const struct sql_step identity_steps[] = {
	LISTEN,
	{ .name = "read the server's version",
		.sql = sql_setup_read_version,
		.on_row = on_version },
	{ .name = "see whether Citus' library is loaded",
		.sql = sql_setup_look_for_library,
		.on_row = on_library },
	{ .name = "see whether Citus' daemon was quieted by the last stop",
		.sql = sql_setup_look_for_quieting,
		.on_row = on_quieted },
	{ .name = "wake Citus' daemon: 2PC recovery",
		.sql = "alter system reset citus.recover_2pc_interval",
		.bind = if_quieted },
	{ .name = "wake Citus' daemon: deadlock detection",
		.sql = "alter system reset citus.distributed_deadlock_detection_factor",
		.bind = if_quieted },
	{ .name = "wake Citus' daemon: removal of orphaned shards",
		.sql = "alter system reset citus.defer_shard_delete_interval",
		.bind = if_quieted },
	{ .name = "reload the configuration",
		.sql = "select pg_reload_conf()",
		.bind = if_quieted },
	{ .name = "create schema \"citus_init\"", .sql = sql_setup_create_schema },
	{ .name = "read role \"" RECOGNISER "\"",
		.sql = sql_setup_read_recogniser,
		.on_row = on_recogniser },
	{ .name = "hand over the verifier of role \"" RECOGNISER "\"",
		.sql = sql_setup_hand_over_recogniser,
		.bind = bind_recogniser },
	{ .name = "create role \"" RECOGNISER "\"", .sql = sql_setup_create_recogniser },
	{ .name = "read which data directory this is",
		.sql = sql_cluster_read_identifier,
		.on_row = on_identifier },
	READ_THIS_NODE,
	{ .name = "look for database \"" DATABASE_CITUS "\"",
		.sql = sql_setup_look_for_database,
		.bind = bind_database,
		.on_row = on_database },
};

#define READ_EXTENSION                                                                             \
	{                                                                                          \
		.name = "look for extension \"citus\"", .sql = sql_setup_read_extension,           \
		.on_row = on_extension                                                             \
	}

/* Of a directory that is not marked as any cluster's. */
static const struct sql_step metadata_steps[] = {
	READ_EXTENSION,
	{ .name = "see whether this directory is part of a cluster",
		.sql = sql_setup_look_for_metadata,
		.bind = if_extension,
		.on_row = on_metadata },
};

static const struct sql_step home_steps[] = {
	{ .name = "read the roles", .sql = sql_setup_read_roles, .on_row = on_role },
	{ .name = "hand over the missing roles' verifiers",
		.sql = sql_setup_hand_over_verifiers,
		.bind = bind_missing_roles },
	{ .name = "create roles \"admin\" and \"replicator\"",
		.sql = sql_setup_create_roles,
		.bind = if_verifiers },
	{ .name = "create database \"" DATABASE_CITUS "\"",
		.sql = "create database citusdb owner admin",
		.bind = if_no_database },
};

static const struct sql_step citus_steps[] = {
	READ_EXTENSION,
	{ .name = "create extension \"citus\"",
		.sql = "create extension citus",
		.bind = if_no_extension },
	{ .name = "update extension \"citus\"",
		.sql = "alter extension citus update",
		.bind = if_old_extension },
	READ_GROUP,
	{ .name = "hand over the changed passwords' verifiers",
		.sql = sql_setup_hand_over_verifiers,
		.bind = bind_outdated_roles },
	{ .name = "set the passwords", .sql = sql_setup_set_passwords, .bind = if_verifiers },
};

static const struct sql_step home_look[] = { LISTEN, READ_THIS_NODE };
static const struct sql_step citus_look[] = { READ_GROUP };

static void end(struct setup *s, const struct err *failure)
{
	setup_done_fn done = s->done;

	s->done = NULL;
	done(s->ctx, failure);
}

/* A worker that is being registered is looked at again soon, and a session of Citus' costs more
 * than what is asked in it; a member's database may be dropped, which waits for sessions. */
static void on_citus_done(void *ctx, const struct err *failure)
{
	struct setup *s = ctx;

	if (s->view->identity->role != ROLE_WORKER || s->view->group != 0)
		sql_disconnect(s->citus);
	end(s, failure);
}

/* A failed job leaves no session behind. */
static void on_home_done(void *ctx, const struct err *failure)
{
	struct setup *s = ctx;

	s->is_listening = !failure;
	if (failure)
		end(s, failure);
	else
		sql_run(s->citus, s->citus_steps, s->citus_count, s, on_citus_done);
}

/* What belongs to no cluster, or to one that was never formed, holds nothing of anybody's. */
static bool needs_recognition(const struct setup *s)
{
	return s->view->cluster_id[0] &&
	       (s->view->identity->role == ROLE_WORKER || s->view->formed);
}

static void go_on(struct setup *s, const struct err *failure)
{
	struct err e;

	if (!failure && !needs_recognition(s))
		s->view->recognised = true;
	/* The rest reaches other nodes: Citus sends a changed password on to them. */
	if (!failure && s->view->recognised && passfile_fill(s->settings, &e) < 0)
		failure = &e;
	if (!failure && s->view->recognised)
		sql_run(s->home, home_steps, ARRAY_LEN(home_steps), s, on_home_done);
	else
		end(s, failure);
}

static void on_metadata_looked(void *ctx, const struct err *failure)
{
	struct setup *s = ctx;

	sql_disconnect(s->citus);
	go_on(s, failure);
}

/* The session in citusdb starts Citus' daemon, which can log in nowhere: the passfile is empty. */
static void on_identity_done(void *ctx, const struct err *failure)
{
	struct setup *s = ctx;
	bool is_unmarked = !s->view->cluster_id[0] && !s->view->recognised;

	s->is_listening = !failure;
	if (!failure && is_unmarked && s->database_exists)
		sql_run(s->citus, metadata_steps, ARRAY_LEN(metadata_steps), s, on_metadata_looked);
	else
		go_on(s, failure);
}

static void on_notify(void *ctx, const char *payload)
{
	struct setup *s = ctx;

	s->is_listening &= payload != NULL;
	s->heard(s->heard_ctx, payload);
}

struct setup *setup_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, setup_heard_fn heard, void *ctx)
{
	struct setup *s = xcalloc(1, sizeof(*s));

	s->settings = settings;
	s->view = view;
	s->heard = heard;
	s->heard_ctx = ctx;
	s->home = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_HOME, STATEMENT_TIMEOUT_MS);
	sql_on_notify(s->home, on_notify, s);
	s->citus = sql_open_local(
		loop, socket_directory, view->identity->port, DATABASE_CITUS, STATEMENT_TIMEOUT_MS);
	return s;
}

void setup_close(struct setup *s)
{
	sql_close(s->home);
	sql_close(s->citus);
	for (size_t i = 0; i < FIXED_ROLE_COUNT; i++)
		free(s->verifiers[i]);
	free(s->recogniser_verifier);
	free(s);
}

static void begin(struct setup *s, const struct sql_step *citus_steps_of_it, size_t count,
	setup_done_fn done, void *ctx)
{
	s->done = done;
	s->ctx = ctx;
	s->citus_steps = citus_steps_of_it;
	s->citus_count = count;
	s->admitted = false;
	s->shut = MEMBER_UNKNOWN;
}

void setup_run(struct setup *s, setup_done_fn done, void *ctx)
{
	memset(s->role_exists, 0, sizeof(s->role_exists));
	memset(s->role_matches, 0, sizeof(s->role_matches));
	s->recogniser_matches = false;
	begin(s, citus_steps, ARRAY_LEN(citus_steps), done, ctx);
	sql_run(s->home, identity_steps, ARRAY_LEN(identity_steps), s, on_identity_done);
}

void setup_look(struct setup *s, setup_done_fn done, void *ctx)
{
	begin(s, citus_look, ARRAY_LEN(citus_look), done, ctx);
	sql_run(s->home, home_look, ARRAY_LEN(home_look), s, on_home_done);
}

void setup_reset(struct setup *s)
{
	sql_reset(s->home);
	sql_reset(s->citus);
	s->is_listening = false;
	s->done = NULL;
}

bool setup_is_busy(const struct setup *s)
{
	return s->done != NULL;
}
