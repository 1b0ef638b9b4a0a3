#include "repair/repair.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "node/databases.h"
#include "repair/acts.h"
#include "repair/look.h"
#include "repair/unmanaged.h"

#include "base/banned.h"

enum {
	CONNECT_TIMEOUT_MS = 3000,
	/* Activation copies the schema, a move a batch of empty shards. */
	TIMEOUT_MS = 5 * 60 * 1000,
};

struct repair {
	struct event_base *loop;
	const struct settings *settings;
	const struct identity *id;
	int nodes;
	struct sql *here[MANAGED_COUNT];  /* the coordinator's */
	struct sql *there[MANAGED_COUNT]; /* the member's, of the case under way */

	/* The case. */
	char *name, *host, *accepted, *others;
	char group[12], port_text[8];
	bool is_same_directory; /* only a database in it was made anew */
	bool is_to_fill;
	repair_assessed_fn assessed;
	sql_done_fn done;
	void *ctx;

	int at; /* the database */
	struct repair_look look;
	struct unmanaged unmanaged;
	bool is_filling; /* all databases were looked at, and the loss may be made good */
	bool is_in_sync; /* this run has given the member its metadata in this database */
	struct repair_acts acts;
	enum repair_act act;	       /* the last one */
	struct repair_findings before; /* what was found before it */
};

static void forget_case(struct repair *r)
{
	for (int i = 0; i < MANAGED_COUNT; i++) {
		sql_close(r->there[i]);
		r->there[i] = NULL;
		sql_disconnect(r->here[i]);
	}
	char **const texts[] = { &r->name, &r->host, &r->accepted, &r->others };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	repair_look_end(&r->look);
	unmanaged_rest(&r->unmanaged);
	repair_acts_fini(&r->acts);
}

/* The callback may begin another case. */
static void end(struct repair *r, const struct err *failure)
{
	bool is_to_fill = r->is_to_fill;
	struct loss_report report = { .loss = LOSS_UNKNOWN };

	if (!failure && !is_to_fill)
		report = repair_look_report(&r->look);
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
	return now->in_sync != before->in_sync || now->lost != before->lost ||
	       now->lost_copies != before->lost_copies || now->only_there != before->only_there;
}

/* All databases have been looked at, so the loss is known. Is it the accepted one? */
static void begin_filling(struct repair *r)
{
	struct loss_report report = repair_look_report(&r->look);
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

/* Everything is known that the member has lost. */
static void on_all_looked(void *ctx, const struct err *failure)
{
	struct repair *r = ctx;

	if (!failure && r->is_to_fill)
		begin_filling(r);
	else
		end(r, failure);
}

/* A database that is not managed has lost nothing in a directory that is still the same. */
static void look_at_unmanaged(struct repair *r)
{
	const struct unmanaged_case of = { .id = r->id,
		.nodes = r->nodes,
		.name = r->name,
		.host = r->host,
		.tally = &r->look.unmanaged,
		.digest = r->look.digest,
		.digest_size = sizeof(r->look.digest) };

	if (r->is_same_directory)
		on_all_looked(r, NULL);
	else
		unmanaged_look(&r->unmanaged, &of, on_all_looked, r);
}

static void next_database(struct repair *r)
{
	if (++r->at < MANAGED_COUNT) {
		r->is_in_sync = false;
		r->before = (struct repair_findings){ .lost = -1 };
		look(r);
	} else if (!r->is_filling) {
		look_at_unmanaged(r);
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
	r->is_in_sync |= r->act == REPAIR_ACTIVATE || r->act == REPAIR_FORGET;
	look(r);
}

/* The last act changed nothing: to repeat it would go on for ever. */
static void fail_for_ever(struct repair *r)
{
	struct loss_report report = repair_look_report(&r->look);
	struct err e;

	err_set(&e, ERR_SQL, "database \"%s\" is as it was before the last step: %s",
		managed_databases[r->at], report.words);
	end(r, &e);
}

static void act(struct repair *r)
{
	struct repair_findings *found = &r->look.found;

	found->in_sync = r->is_in_sync;
	r->act = repair_next_act(found);
	if (r->act == REPAIR_DONE) {
		next_database(r);
		return;
	}
	if (!has_changed(found, &r->before)) {
		fail_for_ever(r);
		return;
	}
	r->before = *found;
	log_info("bringing %s back: %s database=%s lost=%ld lost_copies=%ld only_there=%ld",
		r->name, repair_act_words(r->act), managed_databases[r->at], found->lost,
		found->lost_copies, found->only_there);
	repair_acts_do(&r->acts, r->act, r->here[r->at], r->there[r->at], on_acted, r);
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

static void look(struct repair *r)
{
	if (r->is_filling)
		repair_look_restart(&r->look);
	repair_look_run(&r->look, r->here[r->at], r->there[r->at], on_looked, r);
}

static void begin(struct repair *r, const struct repair_case *of)
{
	struct sql_target target = { .host = of->host,
		.port = r->id->port,
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
	r->is_same_directory = strcmp(of->lost_identifier, of->new_identifier) == 0;
	snprintf(r->group, sizeof(r->group), "%d", of->group);
	_free_ char *seed = xasprintf("%s %s", of->lost_identifier, of->new_identifier);
	repair_look_begin(&r->look, r->host, r->group, seed);
	r->acts = (struct repair_acts){
		.host = r->host, .port = r->port_text, .group = r->group, .others = r->others
	};
	r->is_filling = false;
	r->at = 0;
	if (of->group < 0)
		look_at_unmanaged(r);
	else
		look(r);
}

struct repair *repair_open(struct event_base *loop, const struct settings *settings,
	const struct identity *id, int nodes, const char *socket_directory)
{
	struct repair *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->settings = settings;
	r->id = id;
	r->nodes = nodes;
	snprintf(r->port_text, sizeof(r->port_text), "%d", id->port);
	for (int i = 0; i < MANAGED_COUNT; i++)
		r->here[i] = sql_open_local(
			loop, socket_directory, id->port, managed_databases[i], TIMEOUT_MS);
	unmanaged_init(&r->unmanaged, loop, socket_directory, id->port);
	return r;
}

void repair_close(struct repair *r)
{
	forget_case(r);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(r->here[i]);
	unmanaged_fini(&r->unmanaged);
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
