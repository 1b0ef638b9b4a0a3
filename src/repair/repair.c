#include "repair/repair.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "node/databases.h"
#include "repair/next_act.h"
#include "statements.h"

#include "base/banned.h"

enum {
	CONNECT_TIMEOUT_MS = 3000,
	/* Activation copies the schema, a move a batch of empty shards. */
	TIMEOUT_MS = 5 * 60 * 1000,
	TOKEN_LENGTH = 16,
};

/* What was lost of one kind, in all databases. */
struct tally {
	long shards;
	int tables;
	char *names; /* of the tables, a line each */
	size_t size;
	FILE *out;
};

struct repair {
	struct event_base *loop;
	const struct settings *settings;
	int port;
	struct sql *here[MANAGED_COUNT];  /* the coordinator's */
	struct sql *there[MANAGED_COUNT]; /* the member's, of the case under way */

	/* The case. */
	char *name, *host, *accepted, *others;
	char group[12], port_text[8];
	bool is_to_fill;
	repair_assessed_fn assessed;
	sql_done_fn done;
	void *ctx;

	/* The look at one database. */
	int at;
	char *ids, *names, *lost; /* PostgreSQL arrays */
	char seed[80];		  /* what the next digest is about */
	struct repair_findings found;
	struct tally only, copies; /* of all databases */
	/* The act. */
	bool is_filling; /* all databases were looked at, and the loss may be made good */
	bool is_in_sync;
	enum repair_act act;
	struct repair_findings before;
	char *takers;
	bool needs_coordinator;
};

static int bind_group(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->group;
	return 1;
}

static int bind_shards(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->group;
	parameters[1] = r->seed;
	return 2;
}

static int bind_names(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->ids;
	parameters[1] = r->names;
	return 2;
}

static int bind_lost(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->group;
	parameters[1] = r->lost;
	return 2;
}

static int bind_host(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->host;
	parameters[1] = r->port_text;
	return 2;
}

static int bind_others(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->group;
	parameters[1] = r->others;
	return 2;
}

static int bind_takers(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	parameters[0] = r->group;
	parameters[1] = r->takers;
	return 2;
}

static int if_needs_coordinator(void *ctx, const char *parameters[])
{
	const struct repair *r = ctx;

	(void)parameters;
	return r->needs_coordinator ? 0 : SQL_SKIP;
}

static void renew(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static int on_node(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;
	const char *host = sql_field(result, row, 0);

	if (strcmp(host, r->host) != 0)
		return err_set(e, ERR_SQL, "group %s is %s in pg_dist_node, not %s", r->group, host,
			r->host);
	r->found.active = strcmp(sql_field(result, row, 1), "t") == 0;
	return 0;
}

static int on_shards(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;

	(void)e;
	renew(&r->ids, sql_field(result, row, 0));
	renew(&r->names, sql_field(result, row, 1));
	r->found.only_there = (long)sql_number(result, row, 2, 0);
	sql_copy_field(r->seed, sizeof(r->seed), result, row, 3);
	return 0;
}

static int on_lost(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;

	(void)e;
	renew(&r->lost, sql_field(result, row, 0));
	return 0;
}

static int on_lost_table(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;
	bool is_elsewhere = strcmp(sql_field(result, row, 0), "t") == 0;
	struct tally *of = is_elsewhere ? &r->copies : &r->only;
	long shards = (long)sql_number(result, row, 1, 0);

	(void)e;
	*(is_elsewhere ? &r->found.lost_copies : &r->found.lost) += shards;
	of->shards += shards;
	of->tables++;
	fprintf(of->out, "%s\n", sql_field(result, row, 2));
	return 0;
}

static int on_takers(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;

	(void)e;
	renew(&r->takers, sql_field(result, row, 0));
	r->needs_coordinator = sql_number(result, row, 1, 0) == 0;
	return 0;
}

static int on_coordinator(void *ctx, const PGresult *result, int row, struct err *e)
{
	struct repair *r = ctx;

	(void)e;
	renew(&r->takers, sql_field(result, row, 0));
	return 0;
}

#define LIMIT_LOCK_WAIT                                                                            \
	{                                                                                          \
		.name = "limit the wait for locks", .sql = sql_repair_limit_lock_wait              \
	}
#define VIEW_PLACED                                                                                \
	{                                                                                          \
		.name = "create view \"placed\"", .sql = sql_repair_placed                         \
	}

static const struct sql_step look_here[] = {
	LIMIT_LOCK_WAIT,
	VIEW_PLACED,
	{ .name = "look for the member in pg_dist_node",
		.sql = sql_repair_read_member,
		.bind = bind_group,
		.on_row = on_node },
	{ .name = "read which shards belong on the member",
		.sql = sql_repair_read_shards,
		.bind = bind_shards,
		.on_row = on_shards },
};

static const struct sql_step look_there[] = {
	LIMIT_LOCK_WAIT,
	{ .name = "ask the member which of its shards it lacks",
		.sql = sql_repair_read_lost,
		.bind = bind_names,
		.on_row = on_lost },
};

static const struct sql_step look_at_loss[] = {
	VIEW_PLACED,
	{ .name = "read whose shards were lost",
		.sql = sql_repair_read_lost_tables,
		.bind = bind_lost,
		.on_row = on_lost_table },
};

static const struct sql_step activate[] = {
	{ .name = "give the member its metadata", .sql = sql_repair_activate, .bind = bind_host },
};

static const struct sql_step disable[] = {
	{ .name = "disable the member for a moment", .sql = sql_repair_disable, .bind = bind_host },
};

static const struct sql_step recreate[] = {
	VIEW_PLACED,
	{ .name = "make the lost shards anew", .sql = sql_repair_recreate_shards },
};

/* The coordinator may hold shards only for as long as this transaction lasts. */
static const struct sql_step move[] = {
	VIEW_PLACED,
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

static void tally_begin(struct tally *t)
{
	t->shards = 0;
	t->tables = 0;
	t->out = open_memstream(&t->names, &t->size);
}

static void tally_end(struct tally *t)
{
	if (t->out)
		fclose(t->out);
	free(t->names);
	*t = (struct tally){ .out = NULL };
}

/* The tables' names, a comma between them. */
static void describe(struct tally *t, enum loss loss, char *text, size_t size)
{
	struct loss_words words;
	char *rest = NULL;

	fflush(t->out);
	loss_words_begin(&words, loss, t->shards, t->tables, text, size);
	for (char *name = strtok_r(t->names, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest))
		loss_words_add(&words, name);
}

static struct loss_report report_of(struct repair *r)
{
	struct loss_report report = { .loss = LOSS_NONE };

	if (r->only.shards) {
		report.loss = LOSS_ONLY_COPIES;
		snprintf(report.token, sizeof(report.token), "%.*s", TOKEN_LENGTH, r->seed);
		describe(&r->only, report.loss, report.words, sizeof(report.words));
	} else if (r->copies.shards) {
		report.loss = LOSS_COPIES;
		describe(&r->copies, report.loss, report.words, sizeof(report.words));
	}
	return report;
}

static void forget_case(struct repair *r)
{
	for (int i = 0; i < MANAGED_COUNT; i++) {
		sql_close(r->there[i]);
		r->there[i] = NULL;
		sql_disconnect(r->here[i]);
	}
	char **const texts[] = { &r->name, &r->host, &r->accepted, &r->others, &r->ids, &r->names,
		&r->lost, &r->takers };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	tally_end(&r->only);
	tally_end(&r->copies);
}

/* The callback may begin another case. */
static void end(struct repair *r, const struct err *failure)
{
	bool is_to_fill = r->is_to_fill;
	struct loss_report report = { .loss = LOSS_UNKNOWN };

	if (!failure && !is_to_fill)
		report = report_of(r);
	forget_case(r);
	if (is_to_fill)
		r->done(r->ctx, failure);
	else
		r->assessed(r->ctx, failure ? NULL : &report, failure);
}

static void look(struct repair *r);
static void act(struct repair *r);

static bool has_changed(const struct repair_findings *now, const struct repair_findings *before)
{
	return now->active != before->active || now->in_sync != before->in_sync ||
	       now->lost != before->lost || now->lost_copies != before->lost_copies ||
	       now->only_there != before->only_there;
}

/* All databases have been looked at, so the loss is known. Is it the accepted one? */
static void begin_filling(struct repair *r)
{
	struct loss_report report = report_of(r);
	struct err e;

	if (report.loss == LOSS_ONLY_COPIES && strcmp(report.token, r->accepted) != 0) {
		err_set(&e, ERR_REFUSED, "%s, and that loss has not been accepted", report.words);
		end(r, &e);
		return;
	}
	r->is_filling = true;
	r->is_in_sync = false;
	r->at = 0;
	r->before = (struct repair_findings){ .lost = -1 };
	look(r);
}

static void next_database(struct repair *r)
{
	if (++r->at < MANAGED_COUNT) {
		r->is_in_sync = false;
		r->before = (struct repair_findings){ .lost = -1 };
		look(r);
	} else if (r->is_to_fill && !r->is_filling) {
		begin_filling(r);
	} else {
		end(r, NULL);
	}
}

static void on_acted(void *ctx, const struct err *failure)
{
	struct repair *r = ctx;

	if (failure) {
		end(r, failure);
		return;
	}
	r->is_in_sync |= r->act == REPAIR_ACTIVATE;
	look(r);
}

/* The last act changed nothing: to repeat it would go on for ever. */
static void fail_for_ever(struct repair *r)
{
	struct loss_report report = report_of(r);
	struct err e;

	err_set(&e, ERR_SQL, "database \"%s\" is as it was before the last step: %s",
		managed_databases[r->at],
		report.words[0] ? report.words : "the member is not active");
	end(r, &e);
}

static void act(struct repair *r)
{
	static const struct {
		const struct sql_step *steps;
		size_t count;
		bool is_there;
		const char *words;
	} acts[] = {
		[REPAIR_ACTIVATE] = { activate, ARRAY_LEN(activate), false, "metadata" },
		[REPAIR_RECREATE] = { recreate, ARRAY_LEN(recreate), true, "shards made anew" },
		[REPAIR_MOVE] = { move, ARRAY_LEN(move), false, "new shards moved away" },
		[REPAIR_DISABLE] = { disable, ARRAY_LEN(disable), false, "lost copies forgotten" },
	};

	r->found.in_sync = r->is_in_sync;
	r->act = repair_next_act(&r->found);
	if (r->act == REPAIR_DONE) {
		next_database(r);
		return;
	}
	if (!has_changed(&r->found, &r->before)) {
		fail_for_ever(r);
		return;
	}
	r->before = r->found;
	log_info("bringing %s back: %s database=%s lost=%ld lost_copies=%ld only_there=%ld",
		r->name, acts[r->act].words, managed_databases[r->at], r->found.lost,
		r->found.lost_copies, r->found.only_there);
	sql_run(acts[r->act].is_there ? r->there[r->at] : r->here[r->at], acts[r->act].steps,
		acts[r->act].count, r, on_acted);
}

static void on_looked(void *ctx, const struct err *failure)
{
	struct repair *r = ctx;

	if (failure)
		end(r, failure);
	else if (r->is_filling)
		act(r);
	else
		next_database(r);
}

static void on_looked_there(void *ctx, const struct err *failure)
{
	struct repair *r = ctx;

	if (failure)
		end(r, failure);
	else
		sql_run(r->here[r->at], look_at_loss, ARRAY_LEN(look_at_loss), r, on_looked);
}

static void on_looked_here(void *ctx, const struct err *failure)
{
	struct repair *r = ctx;

	if (failure)
		end(r, failure);
	else
		sql_run(r->there[r->at], look_there, ARRAY_LEN(look_there), r, on_looked_there);
}

static void look(struct repair *r)
{
	r->found = (struct repair_findings){ .active = false };
	if (r->is_filling) {
		tally_end(&r->only);
		tally_end(&r->copies);
		tally_begin(&r->only);
		tally_begin(&r->copies);
	}
	sql_run(r->here[r->at], look_here, ARRAY_LEN(look_here), r, on_looked_here);
}

static void begin(struct repair *r, const struct repair_case *of)
{
	struct sql_target target = { .host = of->host,
		.port = r->port,
		.user = "postgres",
		.password = settings_secret(r->settings, SET_SUPERPASS),
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.statement_timeout_ms = TIMEOUT_MS };

	for (int i = 0; i < MANAGED_COUNT; i++) {
		target.database = managed_databases[i];
		r->there[i] = sql_open(r->loop, &target);
	}
	r->name = xstrdup(of->name);
	r->host = xstrdup(of->host);
	r->accepted = xstrdup(of->accepted);
	r->others = xstrdup(of->others);
	snprintf(r->group, sizeof(r->group), "%d", of->group);
	snprintf(r->seed, sizeof(r->seed), "%s %s", of->lost_identifier, of->new_identifier);
	r->is_filling = false;
	r->at = 0;
	tally_begin(&r->only);
	tally_begin(&r->copies);
	look(r);
}

struct repair *repair_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, const char *socket_directory)
{
	struct repair *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->settings = settings;
	r->port = id->port;
	snprintf(r->port_text, sizeof(r->port_text), "%d", id->port);
	for (int i = 0; i < MANAGED_COUNT; i++)
		r->here[i] = sql_open_local(
			loop, socket_directory, id->port, managed_databases[i], TIMEOUT_MS);
	return r;
}

void repair_close(struct repair *r)
{
	forget_case(r);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(r->here[i]);
	free(r);
}

void repair_assess(
	struct repair *r, const struct repair_case *of, repair_assessed_fn assessed, void *ctx)
{
	r->assessed = assessed;
	r->ctx = ctx;
	r->is_to_fill = false;
	begin(r, of);
}

void repair_bring_back(struct repair *r, const struct repair_case *of, sql_done_fn done, void *ctx)
{
	r->done = done;
	r->ctx = ctx;
	r->is_to_fill = true;
	begin(r, of);
}
