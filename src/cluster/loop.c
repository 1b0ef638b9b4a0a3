#include "cluster/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "cluster/cluster.h"
#include "cluster/moved.h"
#include "cluster/steps.h"
#include "repair/copies.h"

#include "base/banned.h"

enum {
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* A glance at the members that are well; every third time a whole look and a round. */
	CALM_MS = 15 * 1000,
	GLANCES = 3,
	/* A look at one that is not yet what it should be. */
	EAGER_MS = 5 * 1000,
};

struct cluster_loop {
	struct cluster cluster;
	struct steps *steps;
	struct copies *copies;
	bool copies_failed;  /* the last time, and it was logged */
	struct event *timer; /* the next round, while something is not as it should be */
	struct event *calm;
	unsigned calm_count;
	cluster_changed_fn changed;
	void *ctx;

	bool is_running; /* a round of look, plan, step is under way, or a glance */
	bool is_stale;	 /* something was seen meanwhile: another round */
	bool one_by_one; /* the last batch failed */
	int64_t retry_ms;
	struct plan plan;
};

static void start_round(struct cluster_loop *l);

static void on_copied(void *ctx, const struct err *failure)
{
	struct cluster_loop *l = ctx;

	if (failure && !l->copies_failed)
		log_warning("could not make missing copies, will try again: %s", failure->msg);
	l->copies_failed = failure != NULL;
}

/* While all members are well, and beside the rounds: it may take long. */
static void make_copies(struct cluster_loop *l)
{
	const struct cluster *c = &l->cluster;

	if (l->plan.step != PLAN_NOTHING || c->view->paused_by || copies_is_busy(l->copies))
		return;
	for (int i = 0; i < c->count; i++)
		if (!c->workers[i].view->active)
			return;
	copies_make(l->copies, on_copied, l);
}

/* failure is NULL unless the round itself failed, and not its step for one worker. */
static void end_round(struct cluster_loop *l, const struct err *failure)
{
	int64_t delay_ms = l->cluster.view->has_stale ? EAGER_MS : CALM_MS;

	l->is_running = false;
	if (failure) {
		/* Log only the first of several equal failures. */
		if (l->retry_ms == 0)
			log_warning("membership: %s, will try again", failure->msg);
		l->retry_ms = clock_backoff_ms(l->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
		delay_ms = l->retry_ms;
	} else if (l->is_stale) {
		start_round(l);
		return;
	}
	if (!failure)
		make_copies(l);
	if (failure || l->plan.step != PLAN_NOTHING)
		timer_set(l->timer, clock_jitter_ms(delay_ms));
}

/* A change of the worker failed: its back-off grows. */
static void note_failure(struct cluster_loop *l, struct worker *w)
{
	w->failures++;
	w->view->failures = w->failures;
	w->retry_ms = clock_backoff_ms(w->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	w->due_ms = clock_now_ms() + clock_jitter_ms(w->retry_ms);
	watch_look_in(w->watch, w->retry_ms);
	l->cluster.view->registration_failures++;
}

/* It succeeded: the back-off ends with a look at what has come of it. */
static void note_success(struct worker *w)
{
	w->failures = w->view->failures = 0;
	w->retry_ms = 0;
	watch_look(w->watch);
}

static void note_registered(struct cluster_loop *l)
{
	for (int i = 0; i < l->cluster.count; i++) {
		if (!l->plan.chosen[i])
			continue;
		l->cluster.view->registrations++;
		note_success(&l->cluster.workers[i]);
	}
	l->one_by_one = false;
}

static void on_step_ended(void *ctx, const struct step_report *report)
{
	struct cluster_loop *l = ctx;
	const struct err *failure = NULL;

	switch (report->outcome) {
	case STEP_DONE:
		if (report->worker)
			note_success(report->worker);
		l->is_stale = true;
		break;
	case STEP_WRITTEN: break;
	case STEP_REGISTERED: note_registered(l); break;
	case STEP_FAILED:
		if (report->worker)
			note_failure(l, report->worker);
		else
			failure = report->failure;
		l->one_by_one |= l->plan.step == PLAN_REGISTER;
		break;
	case STEP_BATCH_FAILED:
		/* A failed batch does not show which node is at fault: they are tried one by one,
		 * at once, each with a back-off of its own. */
		l->one_by_one = true;
		l->is_stale = true;
		break;
	}
	end_round(l, failure);
}

static void on_looked_at_catalog(void *ctx, const struct err *failure)
{
	struct cluster_loop *l = ctx;
	const struct cluster_view *view = l->cluster.view;
	bool was_formed = view->formed, had_stale = view->has_stale;
	enum member_state before = view->members[0].state;

	if (failure) {
		end_round(l, failure);
		return;
	}
	cluster_classify(&l->cluster);
	moved_publish(&l->cluster);
	cluster_plan(&l->cluster, l->one_by_one, &l->plan);
	cluster_publish(&l->cluster, &l->plan);
	if (view->formed != was_formed || view->has_stale != had_stale ||
		view->members[0].state != before || view->reach > view->count)
		l->changed(l->ctx);
	l->retry_ms = 0;
	if (view->paused_by && plan_step_is_change(l->plan.step))
		end_round(l, NULL);
	else
		steps_take(l->steps, &l->plan, on_step_ended, l);
}

static void start_round(struct cluster_loop *l)
{
	if (l->is_running) {
		l->is_stale = true;
		return;
	}
	l->is_running = true;
	l->is_stale = false;
	evtimer_del(l->timer);
	catalog_look(&l->cluster.catalog, on_looked_at_catalog, l);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_round(arg);
}

static void on_glanced(void *ctx, const struct err *failure)
{
	struct cluster_loop *l = ctx;

	l->is_running = false;
	if (failure || l->is_stale || !l->cluster.catalog.facts.settled)
		start_round(l);
}

/* Something written on this server begins new epochs, as something written on a member does. */
static void start_glance(struct cluster_loop *l)
{
	if (l->is_running || l->cluster.count == 0)
		return;
	l->is_running = true;
	l->is_stale = false;
	catalog_glance(&l->cluster.catalog, on_glanced, l);
}

/*
 * All at once: the answers come together, so an idle cluster seldom wakes this process. A worker
 * that is not well has a timer of its own.
 */
static void on_calm(evutil_socket_t fd, short what, void *arg)
{
	struct cluster_loop *l = arg;
	bool whole = ++l->calm_count % GLANCES == 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < l->cluster.count; i++) {
		if (l->cluster.workers[i].view->state != MEMBER_OURS)
			continue;
		if (whole)
			watch_look(l->cluster.workers[i].watch);
		else
			watch_glance(l->cluster.workers[i].watch);
	}
	if (whole)
		start_round(l);
	else
		start_glance(l);
}

static void on_looked(void *ctx, struct watch *watch, enum watch_outcome outcome)
{
	struct cluster_loop *l = ctx;
	struct worker *w = &l->cluster.workers[watch_ordinal(watch) - 1];
	bool answered = watch_facts(watch)->look == LOOK_ANSWERED;

	if (answered)
		w->view->last_seen_ms = clock_now_ms();
	if (outcome == WATCH_SAME && w->view->state == MEMBER_OURS && !w->is_asked_for) {
		if (!watch_facts(watch)->settled)
			start_round(l);
		return;
	}
	w->is_asked_for = false;
	if (answered)
		watch_look_in(watch, EAGER_MS);
	start_round(l);
}

static bool may_enter(void *ctx, const struct watch *watch, const struct member_facts *found)
{
	const struct cluster_loop *l = ctx;
	const struct cluster *c = &l->cluster;

	return cluster_may_enter(c, &c->workers[watch_ordinal(watch) - 1], found);
}

struct cluster_loop *cluster_loop_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, int reach, cluster_changed_fn changed,
	void *ctx)
{
	struct cluster_loop *l = xcalloc(1, sizeof(*l));

	l->changed = changed;
	l->ctx = ctx;
	l->timer = evtimer_new(loop, on_timer, l);
	l->calm = event_new(loop, -1, EV_PERSIST, on_calm, l);
	timer_set(l->calm, CALM_MS);
	const struct watcher watcher = { .looked = on_looked, .may_enter = may_enter, .ctx = l };
	cluster_init(&l->cluster, loop, settings, view, socket_directory, reach, &watcher);
	l->steps = steps_open(loop, &l->cluster, socket_directory);
	l->copies = copies_open(loop, view->identity->port, socket_directory);
	for (int i = 0; i < l->cluster.count; i++)
		watch_look(l->cluster.workers[i].watch);
	start_round(l);
	return l;
}

void cluster_loop_close(struct cluster_loop *l)
{
	steps_close(l->steps);
	copies_close(l->copies);
	cluster_fini(&l->cluster);
	event_free(l->timer);
	event_free(l->calm);
	free(l);
}

void cluster_loop_enter(struct cluster_loop *l)
{
	l->cluster.catalog.may_enter = true;
	cluster_loop_wake(l, NULL);
	start_round(l);
}

void cluster_loop_wake(struct cluster_loop *l, const char *name)
{
	struct cluster *c = &l->cluster;
	const struct worker *w = name ? cluster_worker_of_name(c, name) : NULL;

	for (int i = 0; i < c->count; i++) {
		if (w && w != &c->workers[i])
			continue;
		c->workers[i].is_asked_for = true;
		watch_look(c->workers[i].watch);
	}
	if (c->count == 0)
		start_round(l);
}
