#include "cluster/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cluster/moved.h"
#include "sql/recogniser.h"
#include "statements.h"

#include "base/banned.h"

enum { ASK_TIMEOUT_MS = 3000, WORK_TIMEOUT_MS = 60 * 1000 };

struct adopting {
	struct event_base *loop;
	struct cluster *cluster;
	struct sql *work[MANAGED_COUNT];
	struct sql *asked; /* who is under the old address of that ordinal */
	int ordinal;
	char answer[40]; /* the cluster that it says it belongs to */
	int database;
	char *old_hosts, *old_ports, *hosts; /* of all registered nodes */
	char *names, *workers_hosts;
	char port[8];
	char next_id[40];
	int telling; /* workers */
	struct err refusal;
	step_ended_fn ended;
	void *ctx;
};

static void report(struct adopting *a, enum step_outcome outcome, const struct err *failure)
{
	const struct step_report it = { .outcome = outcome, .failure = failure };

	a->ended(a->ctx, &it);
}

static void end(struct adopting *a, const struct err *failure)
{
	report(a, failure ? STEP_FAILED : STEP_DONE, failure);
}

static int on_next_id(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct adopting *a = ctx;

	(void)e;
	sql_copy_field(a->next_id, sizeof(a->next_id), result, row, 0);
	return 0;
}

static int on_answer(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct adopting *a = ctx;

	(void)e;
	sql_copy_field(a->answer, sizeof(a->answer), result, row, 0);
	return 0;
}

static int bind_rows(void *ctx, const char *parameters[])
{
	const struct adopting *a = ctx;

	parameters[0] = a->old_hosts;
	parameters[1] = a->old_ports;
	parameters[2] = a->hosts;
	parameters[3] = a->port;
	return 4;
}

static int bind_remembered(void *ctx, const char *parameters[])
{
	const struct adopting *a = ctx;

	parameters[0] = a->names;
	parameters[1] = a->workers_hosts;
	parameters[2] = a->cluster->id->host;
	parameters[3] = a->port;
	return 4;
}

static const struct sql_step note_next_id[] = {
	{ .name = "note the id that this copy of the cluster takes",
		.sql = sql_cluster_note_next_id,
		.on_row = on_next_id },
};

static const struct sql_step take_next_id[] = {
	{ .name = "take the id that every member of this copy has",
		.sql = sql_cluster_take_next_id },
};

static const struct sql_step ask[] = {
	{ .name = "ask who is there", .sql = sql_cluster_read_this_node, .on_row = on_answer },
};

static const struct sql_step adopt[] = {
	{ .name = "write the new addresses to pg_dist_node",
		.sql = sql_cluster_adopt,
		.bind = bind_rows },
};

static const struct sql_step remember[] = {
	{ .name = "remember the new addresses",
		.sql = sql_cluster_remember_addresses,
		.bind = bind_remembered },
};

static const struct sql_step give_up[] = {
	{ .name = "end the wish to adopt", .sql = sql_cluster_refuse_adoption },
};

static void on_remembered(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;

	if (!failure)
		log_info("the cluster has adopted the addresses of this set host=%s port=%s",
			a->cluster->id->host, a->port);
	end(a, failure);
}

static void adopt_in_database(struct adopting *a);

static void on_adopted(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;

	sql_rest(a->work[a->database]);
	if (failure)
		end(a, failure);
	else if (++a->database < MANAGED_COUNT)
		adopt_in_database(a);
	else
		sql_run(a->cluster->catalog.home, remember, ARRAY_LEN(remember), a, on_remembered);
}

static void adopt_in_database(struct adopting *a)
{
	sql_run(a->work[a->database], adopt, ARRAY_LEN(adopt), a, on_adopted);
}

static void prepare_addresses(struct adopting *a)
{
	const struct cluster_view *view = a->cluster->view;
	struct sql_array old_hosts, old_ports, hosts;

	sql_array_begin(&old_hosts);
	sql_array_begin(&old_ports);
	sql_array_begin(&hosts);
	for (int i = 0; i < view->count; i++) {
		const struct address *old = moved_from(a->cluster, i);
		if (!old)
			continue;
		sql_array_add(&old_hosts, "%s", old->host);
		sql_array_add(&old_ports, "%d", old->port);
		sql_array_add(&hosts, "%s", view->members[i].host);
	}
	mem_replace(&a->old_hosts, sql_array_end(&old_hosts));
	mem_replace(&a->old_ports, sql_array_end(&old_ports));
	mem_replace(&a->hosts, sql_array_end(&hosts));
}

static void on_given_up(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;
	struct cluster_view *view = a->cluster->view;

	snprintf(view->adoption_refused, sizeof(view->adoption_refused), "%.*s",
		(int)sizeof(view->adoption_refused) - 1, a->refusal.msg);
	view->adoption_refusals += !failure;
	log_error("the addresses of this set are not adopted: %s", a->refusal.msg);
	end(a, failure ? failure : &a->refusal);
}

static void ask_next(struct adopting *a);

/* Nobody there, somebody of another cluster, or a server that is no node of citus-init: all that is
 * fine. Whoever does not let us see is taken for the original. */
static bool is_refused(struct adopting *a, const struct err *failure)
{
	const struct member *m = &a->cluster->view->members[a->ordinal];
	const struct address *old = moved_from(a->cluster, a->ordinal);
	const char *host = old ? old->host : "";
	int port = old ? old->port : 0;
	bool is_other_server = failure && (strcmp(failure->sqlstate, "3D000") == 0 ||
						  strcmp(failure->sqlstate, "42P01") == 0 ||
						  strcmp(failure->sqlstate, "3F000") == 0);

	if (!failure && strcmp(a->answer, a->cluster->catalog.facts.id) == 0) {
		err_set(&a->refusal, ERR_REFUSED,
			"%s:%d, under which %s is registered, answers as a node of this cluster: "
			"this set is a copy of that one; to move the cluster here, stop it there "
			"first",
			host, port, m->name);
		return true;
	}
	if (failure && !is_other_server && (failure->sqlstate[0] || failure->kind == ERR_TIMEOUT)) {
		err_set(&a->refusal, ERR_REFUSED,
			"a server at %s:%d, under which %s is registered, does not tell who it is "
			"(%.300s): stop it first",
			host, port, m->name, failure->msg);
		return true;
	}
	return false;
}

static void on_asked(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;
	bool refused = is_refused(a, failure);

	sql_close(take_ptr(a->asked));
	if (refused) {
		sql_run(a->cluster->catalog.home, give_up, ARRAY_LEN(give_up), a, on_given_up);
		return;
	}
	a->ordinal++;
	ask_next(a);
}

static void ask_next(struct adopting *a)
{
	const struct cluster_view *view = a->cluster->view;

	while (a->ordinal < view->count && !view->members[a->ordinal].move[0])
		a->ordinal++;
	if (a->ordinal == view->count) {
		adopt_in_database(a);
		return;
	}
	const struct address *old = moved_from(a->cluster, a->ordinal);
	char *password = recogniser_password(settings_secret(a->cluster->settings, SET_SUPERPASS));
	const struct sql_target target = { .host = old->host,
		.port = old->port,
		.database = DATABASE_HOME,
		.user = RECOGNISER,
		.is_plain_role = true,
		.password = password,
		.connect_timeout_ms = ASK_TIMEOUT_MS,
		.statement_timeout_ms = ASK_TIMEOUT_MS };
	a->answer[0] = '\0';
	a->asked = sql_open(a->loop, &target);
	secret_free(password);
	sql_run(a->asked, ask, ARRAY_LEN(ask), a, on_asked);
}

static void on_next_id_taken(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;

	if (!failure)
		log_warning("this copy of cluster %s is cluster %s now",
			a->cluster->catalog.facts.id, a->next_id);
	end(a, failure);
}

static void end_telling(struct adopting *a)
{
	if (--a->telling == 0)
		report(a, STEP_WRITTEN, NULL);
}

/* What comes of it is seen when the worker knocks. */
static void on_told(void *ctx, struct watch *watch, const struct err *failure)
{
	(void)watch;
	(void)failure;
	end_telling(ctx);
}

/* The members read the id here, and take it; then the coordinator does. */
static void on_next_id_noted(void *ctx, const struct err *failure)
{
	struct adopting *a = ctx;
	bool all = true;

	if (failure) {
		end(a, failure);
		return;
	}
	a->telling = 1;
	for (int i = 0; i < a->cluster->count; i++) {
		const struct worker *w = &a->cluster->workers[i];
		if (!w->row->record.registered ||
			strcmp(watch_facts(w->watch)->cluster_id, a->next_id) == 0)
			continue;
		all = false;
		if (watch_is_busy(w->watch))
			continue;
		a->telling++;
		watch_tell(w->watch, on_told, a);
	}
	if (all)
		sql_run(a->cluster->catalog.home, take_next_id, ARRAY_LEN(take_next_id), a,
			on_next_id_taken);
	else
		end_telling(a);
}

void adopt_take(struct adopting *a, step_ended_fn ended, void *ctx)
{
	bool all[MEMBERS_MAX];

	memset(all, true, sizeof(all));
	a->ended = ended;
	a->ctx = ctx;
	a->ordinal = a->database = 0;
	mem_replace(&a->names, cluster_array_of(a->cluster, all, cluster_add_name));
	mem_replace(&a->workers_hosts, cluster_array_of(a->cluster, all, cluster_add_host));
	prepare_addresses(a);
	if (a->cluster->catalog.adopts_as_new)
		sql_run(a->cluster->catalog.home, note_next_id, ARRAY_LEN(note_next_id), a,
			on_next_id_noted);
	else
		ask_next(a);
}

struct adopting *adopt_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory)
{
	struct adopting *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->cluster = cluster;
	snprintf(a->port, sizeof(a->port), "%d", cluster->id->port);
	for (int i = 0; i < MANAGED_COUNT; i++)
		a->work[i] = sql_open_local(loop, socket_directory, cluster->id->port,
			managed_databases[i], WORK_TIMEOUT_MS);
	return a;
}

void adopt_close(struct adopting *a)
{
	sql_close(a->asked);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(a->work[i]);
	free(a->old_hosts);
	free(a->old_ports);
	free(a->hosts);
	free(a->names);
	free(a->workers_hosts);
	free(a);
}
