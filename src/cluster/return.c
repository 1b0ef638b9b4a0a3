#include "cluster/return.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "repair/repair.h"
#include "statements.h"

#include "base/banned.h"

struct returning {
	struct cluster *cluster;
	struct repair *repair;
	struct worker *worker; /* whose return is under way */
	step_ended_fn ended;
	void *ctx;
};

static int bind_name(void *ctx, const char *parameters[])
{
	const struct returning *r = ctx;

	parameters[0] = r->worker->view->name;
	return 1;
}

static const struct sql_step succeed[] = {
	{ .name = "remember the successor of the lost directory",
		.sql = sql_cluster_succeed,
		.bind = bind_name },
};

static void end(
	struct returning *r, enum step_outcome outcome, bool of_worker, const struct err *failure)
{
	const struct step_report report = {
		.outcome = outcome, .worker = of_worker ? r->worker : NULL, .failure = failure
	};

	r->ended(r->ctx, &report);
}

/* The hosts of the members that are well. */
static char *hosts_of_others(const struct cluster *c)
{
	bool well[MEMBERS_MAX] = { false };

	for (int i = 0; i < c->count; i++)
		well[i] = c->workers[i].view->active;
	return cluster_array_of(c, well, cluster_add_host);
}

static struct repair_case repair_case_of(const struct worker *w, const char *others)
{
	return (struct repair_case){ .name = w->view->name,
		.host = w->view->host,
		.group = w->row->entries[0].group,
		.lost_identifier = w->row->record.system_identifier,
		.new_identifier = watch_facts(w->watch)->system_identifier,
		.accepted = w->view->loss_accepted ? w->loss.token : "",
		.others = others };
}

static void on_assessed(void *ctx, const struct loss_report *report, const struct err *failure)
{
	struct returning *r = ctx;
	struct worker *w = r->worker;

	if (failure) {
		if (strncmp(w->loss_problem, failure->msg, sizeof(w->loss_problem) - 1) != 0)
			log_warning("could not find out what %s has lost, will try again: %s",
				w->view->name, failure->msg);
		snprintf(w->loss_problem, sizeof(w->loss_problem), "%.*s",
			(int)sizeof(w->loss_problem) - 1, failure->msg);
		end(r, STEP_FAILED, true, failure);
		return;
	}
	w->loss = *report;
	w->loss_problem[0] = '\0';
	memcpy(w->assessed, watch_facts(w->watch)->system_identifier, sizeof(w->assessed));
	end(r, STEP_DONE, false, NULL);
}

static void on_succeeded(void *ctx, const struct err *failure)
{
	struct returning *r = ctx;
	struct worker *w = r->worker;

	if (failure) {
		end(r, STEP_FAILED, false, failure);
		return;
	}
	log_info("%s has been brought back%s%s", w->view->name, w->loss.words[0] ? ": " : "",
		w->loss.words);
	w->loss = (struct loss_report){ .loss = LOSS_UNKNOWN };
	w->assessed[0] = '\0';
	end(r, STEP_DONE, true, NULL);
}

static void on_brought_back(void *ctx, const struct err *failure)
{
	struct returning *r = ctx;
	struct worker *w = r->worker;

	if (!failure) {
		sql_run(r->cluster->catalog.home, succeed, ARRAY_LEN(succeed), r, on_succeeded);
		return;
	}
	log_error("could not bring %s back, will try again: %s", w->view->name, failure->msg);
	/* The try may have made good some of the loss, so it is assessed again. */
	w->assessed[0] = '\0';
	end(r, STEP_FAILED, true, failure);
}

struct returning *return_open(
	struct event_base *loop, struct cluster *cluster, const char *socket_directory)
{
	struct returning *r = xcalloc(1, sizeof(*r));

	r->cluster = cluster;
	r->repair = repair_open(
		loop, cluster->settings, cluster->id, cluster->view->count, socket_directory);
	return r;
}

void return_close(struct returning *r)
{
	repair_close(r->repair);
	free(r);
}

static void begin(struct returning *r, struct worker *w, step_ended_fn ended, void *ctx)
{
	r->worker = w;
	r->ended = ended;
	r->ctx = ctx;
}

void return_assess(struct returning *r, struct worker *w, step_ended_fn ended, void *ctx)
{
	_free_ char *others = hosts_of_others(r->cluster);
	const struct repair_case of = repair_case_of(w, others);

	begin(r, w, ended, ctx);
	repair_assess(r->repair, &of, on_assessed, r);
}

void return_bring_back(
	struct returning *r, struct worker *w, const char *why, step_ended_fn ended, void *ctx)
{
	_free_ char *others = hosts_of_others(r->cluster);
	const struct repair_case of = repair_case_of(w, others);

	begin(r, w, ended, ctx);
	log_info("bringing %s back: %s", of.name, why);
	repair_bring_back(r->repair, &of, on_brought_back, r);
}
