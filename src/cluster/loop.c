#include "cluster/loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "cluster/classify.h"
#include "cluster/state.h"

#include "base/banned.h"

enum {
	/* Registration copies the schema: some milliseconds a table and node (facts of Citus). */
	WORK_TIMEOUT_MS = 5 * 60 * 1000,
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30 * 1000,
	/* A glance at the members that are well; every third time a whole look and a round. */
	CALM_MS = 15 * 1000,
	GLANCES = 3,
	/* A look at one that is not yet what it should be. */
	EAGER_MS = 5 * 1000,
};

static void start_round(struct members *m);

static struct worker *worker_of_name(struct members *m, const char *name)
{
	for (int i = 0; i < m->count; i++)
		if (strcmp(m->workers[i].view->name, name) == 0)
			return &m->workers[i];
	return NULL;
}

/* Our memory of the worker: the catalog's, but for how far its directory had come. That is written
 * down seldom and seen often. */
static void recall(struct worker *w)
{
	const struct progress *written = &w->row->record.seen;

	if (strcmp(w->seen.system_identifier, written->system_identifier) != 0 ||
		progress_is_behind(&w->seen, written))
		w->seen = *written;
	w->record = w->row->record;
	w->record.seen = w->seen;
}

/* To be called only for a worker that is ours. */
static void follow_progress(struct worker *w)
{
	const struct progress *now = &watch_facts(w->watch)->own;

	if (strcmp(w->seen.system_identifier, now->system_identifier) == 0 &&
		!progress_is_behind(now, &w->seen))
		w->seen = *now;
}

/* Who else shows the same system identifier: the name of a node, or NULL. */
static const char *twin_of(const struct members *m, const struct worker *of)
{
	const struct member_facts *facts = watch_facts(of->watch);

	if (facts->look != LOOK_ANSWERED)
		return NULL;
	if (strcmp(facts->own.system_identifier, m->catalog.facts.own.system_identifier) == 0)
		return m->id->name;
	for (int i = 0; i < m->count; i++) {
		const struct worker *w = &m->workers[i];
		const struct member_facts *other = watch_facts(w->watch);
		if (w != of && other->look == LOOK_ANSWERED &&
			strcmp(facts->own.system_identifier, other->own.system_identifier) == 0)
			return w->view->name;
	}
	return NULL;
}

static struct member_case case_of(const struct members *m, const struct worker *w)
{
	return (struct member_case){ .name = w->view->name,
		.facts = watch_facts(w->watch),
		.record = &w->record,
		.entries = w->row->entries,
		.twin = twin_of(m, w) };
}

/* In all managed databases. */
static bool is_in_citus(const struct worker *w)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!w->row->entries[i].present || !w->row->entries[i].active)
			return false;
	return true;
}

/* By the coordinator's catalog, and by what the worker itself has: one whose metadata was cleared
 * wants it again. */
static bool has_metadata(const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);

	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!w->row->entries[i].has_metadata ||
			(facts->look == LOOK_ANSWERED && facts->databases[i].group == 0))
			return false;
	return true;
}

static bool is_stamped(const struct members *m, const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);
	bool is = strcmp(facts->cluster_id, m->catalog.facts.id) == 0;

	for (int i = 0; i < MANAGED_COUNT; i++)
		is = is && strcmp(facts->databases[i].incarnation,
				   m->catalog.facts.databases[i].incarnation) == 0;
	return is;
}

static bool is_away(enum member_state state)
{
	return state == MEMBER_UNREACHABLE || state == MEMBER_HANGING || state == MEMBER_LOCKED;
}

static void follow_absence(struct worker *w)
{
	if (!is_away(w->view->state)) {
		w->away_ms = 0;
		w->view->away_since_s = 0;
	} else if (!w->away_ms) {
		w->away_ms = clock_now_ms();
		w->view->away_since_s = time(NULL);
	}
}

/* An assessment is about one empty directory, and the registration that it replaces. */
static void follow_loss(struct worker *w)
{
	if (w->view->state != MEMBER_EMPTY ||
		strcmp(w->assessed, watch_facts(w->watch)->own.system_identifier) != 0) {
		w->assessed[0] = '\0';
		w->loss = (struct loss_report){ .loss = LOSS_UNKNOWN };
	}
	memcpy(w->view->loss, w->loss.words, sizeof(w->view->loss));
	memcpy(w->view->loss_token, w->loss.token, sizeof(w->view->loss_token));
	w->view->loss_accepted =
		w->loss.token[0] && strcmp(w->loss.token, w->row->record.accepted) == 0;
}

/* What it knows, for whoever is to give its cluster up. */
static void follow_metadata(struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);

	w->view->known_tables = w->view->known_shards = 0;
	for (int i = 0; i < MANAGED_COUNT; i++) {
		w->view->known_tables += facts->databases[i].tables;
		w->view->known_shards += facts->databases[i].shards;
	}
}

static void follow(struct worker *w, enum member_state state)
{
	const struct member_facts *facts = watch_facts(w->watch);

	w->view->state = state;
	w->was_looked_at |= facts->look != LOOK_NONE;
	w->view->reachable = facts->look == LOOK_ANSWERED || facts->look == LOOK_NOT_SET_UP;
	memcpy(w->view->cluster_id, facts->cluster_id, sizeof(w->view->cluster_id));
	w->view->registered = is_in_citus(w) && w->row->record.registered;
	w->view->freed = w->view->registered && !w->row->entries[0].has_metadata;
	w->view->active =
		w->view->registered && state == MEMBER_OURS && has_metadata(w) && facts->admitted;
	w->view->group = w->row->entries[0].present ? w->row->entries[0].group : -1;
	w->view->shards = w->row->entries[0].shards;
	if (facts->look == LOOK_ANSWERED) {
		const struct fitness *fitness = &facts->databases[0].fitness;
		snprintf(w->view->version, sizeof(w->view->version), "%d.%d",
			fitness->server_version / 10000, fitness->server_version % 10000);
		snprintf(w->view->citus, sizeof(w->view->citus), "%s", fitness->citus);
		follow_metadata(w);
	}
	if (state == MEMBER_OURS)
		follow_progress(w);
	follow_absence(w);
	follow_loss(w);
}

/* From what was looked up to the view; a change of state is logged once, like an event. */
static void classify(struct members *m, struct worker *w)
{
	enum member_state before = w->view->state;
	const struct member_case c = case_of(m, w);
	char reason[sizeof(w->view->reason)];

	recall(w);
	enum member_state state = member_classify(&c, &m->catalog.facts, reason, sizeof(reason));
	follow(w, state);
	/* One that is away gives a new reason at every try; that it is away is the news. */
	if (state != before || (!is_away(state) && strcmp(reason, w->view->reason) != 0)) {
		bool bad = state == MEMBER_FOREIGN || state == MEMBER_UNFIT ||
			   (w->row->record.registered && state != MEMBER_OURS);
		log_emit(bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s is %s%s%s host=%s",
			w->view->name, member_state_name(state), reason[0] ? ": " : "", reason,
			w->view->host);
	}
	memcpy(w->view->reason, reason, sizeof(reason));
}

static void classify_coordinator(struct members *m)
{
	struct member *own = &m->view->members[0];
	enum member_state before = own->state;
	struct member_case cases[MEMBERS_MAX];

	for (int i = 0; i < m->count; i++)
		cases[i] = case_of(m, &m->workers[i]);
	own->state = member_classify_coordinator(
		cases, m->count, &m->catalog.facts, own->reason, sizeof(own->reason));
	if (own->state != before && own->reason[0])
		log_emit(own->state == MEMBER_UNKNOWN ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			"%s is %s: %s", own->name, member_state_name(own->state), own->reason);
}

/* The names of the workers that the step is for. */
static void name_chosen(struct members *m)
{
	size_t used = 0;

	m->view->chosen[0] = '\0';
	for (int i = 0; i < m->count && used < sizeof(m->view->chosen) - 1; i++) {
		if (!m->plan.chosen[i])
			continue;
		int n = snprintf(m->view->chosen + used, sizeof(m->view->chosen) - used, "%s%s",
			used ? " " : "", m->workers[i].view->name);
		used += n > 0 ? (size_t)n : 0;
	}
}

static void publish_plan(struct members *m)
{
	const char *paused = settings_number(m->settings, SET_PAUSE) ? "setting"
			     : m->catalog.is_paused		     ? "wish"
								     : NULL;

	if ((paused != NULL) != (m->view->paused_by != NULL))
		log_info("changes are %s", paused ? "paused" : "made again");
	m->view->paused_by = paused;
	m->view->step = plan_step_name(m->plan.step);
	memcpy(m->view->why, m->plan.why, sizeof(m->view->why));
	name_chosen(m);
	if (strcmp(m->view->waiting_for, m->plan.waiting_for) == 0)
		return;
	memcpy(m->view->waiting_for, m->plan.waiting_for, sizeof(m->view->waiting_for));
	if (m->plan.step == PLAN_WAIT)
		log_info("waiting: %s", m->plan.why);
}

static void publish(struct members *m, enum member_state state_before)
{
	struct member *own = &m->view->members[0];
	bool was_formed = m->view->formed;

	memcpy(m->view->id, m->catalog.facts.id, sizeof(m->view->id));
	m->view->formed = m->catalog.facts.formed;
	m->view->looked_ms = clock_now_ms();
	m->view->looks++;
	own->reachable = true;
	own->registered = m->catalog.own[0].present &&
			  strcmp(m->catalog.facts.databases[0].host, own->host) == 0;
	own->active = own->registered && own->state == MEMBER_OURS;
	own->group = m->catalog.own[0].group;
	own->shards = m->catalog.own[0].shards;
	own->last_seen_ms = m->view->looked_ms;
	memcpy(own->version, m->node->version, sizeof(own->version));
	memcpy(own->citus, m->node->citus, sizeof(own->citus));
	publish_plan(m);
	if (m->view->formed && !was_formed)
		log_info("the cluster is formed cluster=%s nodes=%d", m->catalog.facts.id,
			m->id->size);
	if (m->view->formed != was_formed || own->state != state_before)
		m->changed(m->ctx);
}

static struct plan_member seen_as(const struct members *m, const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);
	const struct member_record *record = &w->row->record;
	int64_t now = clock_now_ms();
	int64_t grace_ms = 1000 * (int64_t)settings_number(m->settings, SET_GRACE_PERIOD);

	return (struct plan_member){ .name = w->view->name,
		.state = w->view->state,
		.recorded = record->registered,
		.due = now >= w->due_ms && !watch_is_busy(w->watch),
		.failures = w->failures,
		.in_citus = is_in_citus(w),
		.has_metadata = has_metadata(w),
		.stamped = is_stamped(m, w),
		.admitted = facts->admitted,
		.gone = w->away_ms && now - w->away_ms >= grace_ms,
		.left_out = w->row->left_out,
		.to_abandon = m->catalog.abandoned[0] &&
			      strcmp(facts->cluster_id, m->catalog.abandoned) == 0,
		.has_successor = facts->look == LOOK_ANSWERED && record->successor[0] &&
				 strcmp(record->successor, facts->own.system_identifier) == 0,
		.loss = w->loss.loss,
		.loss_accepted = w->view->loss_accepted };
}

static void make_plan(struct members *m)
{
	const struct member *own = &m->view->members[0];
	struct plan_member seen[MEMBERS_MAX];

	for (int i = 0; i < m->count; i++)
		seen[i] = seen_as(m, &m->workers[i]);
	membership_plan(&m->catalog.facts, seen, m->count, m->one_by_one, &m->plan);
	if (own->state == MEMBER_OURS || own->state == MEMBER_NEW)
		return;
	/* A coordinator that is not known to be the right one changes nothing. */
	memset(m->plan.chosen, 0, sizeof(m->plan.chosen));
	m->plan.step = PLAN_WAIT;
	snprintf(m->plan.why, sizeof(m->plan.why), "%s", own->reason);
}

static void on_remembered(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	if (failure)
		members_end_round(m, failure);
	else if (m->view->paused_by && plan_step_is_change(m->plan.step))
		members_end_round(m, NULL);
	else
		member_steps_take(m);
}

static void on_looked_at_catalog(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	enum member_state before = m->view->members[0].state;

	if (failure) {
		members_end_round(m, failure);
		return;
	}
	for (int i = 0; i < m->count; i++)
		classify(m, &m->workers[i]);
	classify_coordinator(m);
	make_plan(m);
	publish(m, before);
	m->retry_ms = 0;
	member_steps_remember(m, on_remembered);
}

static void start_round(struct members *m)
{
	if (m->is_running) {
		m->is_stale = true;
		return;
	}
	m->is_running = true;
	m->is_stale = false;
	evtimer_del(m->timer);
	catalog_look(&m->catalog, on_looked_at_catalog, m);
}

static void on_copied(void *ctx, const struct err *failure)
{
	struct members *m = ctx;

	if (failure && !m->copies_failed)
		log_warning("could not copy what belongs on several nodes, will try again: %s",
			failure->msg);
	m->copies_failed = failure != NULL;
}

/* While all members are well, and beside the rounds: it may take long. */
static void make_copies(struct members *m)
{
	if (m->plan.step != PLAN_NOTHING || m->view->paused_by || copies_is_busy(m->copies))
		return;
	for (int i = 0; i < m->count; i++)
		if (!m->workers[i].view->active)
			return;
	copies_make(m->copies, on_copied, m);
}

void members_end_round(struct members *m, const struct err *failure)
{
	int64_t delay_ms = CALM_MS;

	m->is_running = false;
	if (failure) {
		/* The first failure of a row is told, the rest are the same news. */
		if (m->retry_ms == 0)
			log_warning("membership: %s, will try again", failure->msg);
		m->retry_ms = clock_backoff_ms(m->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
		delay_ms = m->retry_ms;
	} else if (m->is_stale) {
		start_round(m);
		return;
	}
	if (!failure)
		make_copies(m);
	if (failure || m->plan.step != PLAN_NOTHING)
		timer_set(m->timer, clock_jitter_ms(delay_ms));
}

void members_note_failure(struct members *m, struct worker *w)
{
	w->failures++;
	w->view->failures = w->failures;
	w->retry_ms = clock_backoff_ms(w->retry_ms, RETRY_FIRST_MS, RETRY_MOST_MS);
	w->due_ms = clock_now_ms() + clock_jitter_ms(w->retry_ms);
	watch_look_in(w->watch, w->retry_ms);
	m->view->registration_failures++;
}

void members_note_success(struct worker *w)
{
	w->failures = w->view->failures = 0;
	w->retry_ms = 0;
	watch_look(w->watch);
}

struct worker *members_only_chosen(struct members *m)
{
	int i = 0;

	while (!m->plan.chosen[i])
		i++;
	return &m->workers[i];
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_round(arg);
}

/*
 * All at once, so that an idle cluster wakes this process seldom: the answers come together. One
 * that is not well has its own timer.
 */
static void on_calm(evutil_socket_t fd, short what, void *arg)
{
	struct members *m = arg;
	bool whole = ++m->calm_count % GLANCES == 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < m->count; i++) {
		if (m->workers[i].view->state != MEMBER_OURS)
			continue;
		if (whole)
			watch_look(m->workers[i].watch);
		else
			watch_glance(m->workers[i].watch);
	}
	if (whole)
		start_round(m);
}

static void on_looked(void *ctx, struct watch *watch, enum watch_outcome outcome)
{
	struct members *m = ctx;
	struct worker *w = worker_of_name(m, watch_name(watch));
	bool answered = watch_facts(watch)->look == LOOK_ANSWERED;

	if (answered)
		w->view->last_seen_ms = clock_now_ms();
	if (answered && w->view->state == MEMBER_OURS)
		follow_progress(w);
	if (outcome == WATCH_SAME && w->view->state == MEMBER_OURS && !w->is_asked_for)
		return;
	w->is_asked_for = false;
	if (answered)
		watch_look_in(watch, EAGER_MS);
	start_round(m);
}

static void fill_member(struct member *member, const struct identity *id, int ordinal)
{
	_free_ char *name = identity_name_of(id, ordinal);
	_free_ char *host = identity_host_of(id, ordinal);

	member->ordinal = ordinal;
	member->group = -1;
	snprintf(member->name, sizeof(member->name), "%s", name);
	snprintf(member->host, sizeof(member->host), "%s", host);
}

struct members *members_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, members_changed_fn changed, void *ctx)
{
	const struct identity *id = view->identity;
	struct members *m = xcalloc(1, sizeof(*m));

	m->settings = settings;
	m->id = id;
	m->node = view;
	m->changed = changed;
	m->ctx = ctx;
	m->count = id->size - 1;
	snprintf(m->port, sizeof(m->port), "%d", id->port);
	m->view = xcalloc(1, sizeof(*m->view));
	m->view->count = id->size;
	/* What the set-up has read already; the rest is known after the first round. */
	memcpy(m->view->id, view->cluster_id, sizeof(m->view->id));
	m->view->formed = view->formed;
	m->view->step = plan_step_name(PLAN_NOTHING);
	m->view->members = xcalloc((size_t)id->size, sizeof(*m->view->members));
	m->workers = xcalloc((size_t)m->count, sizeof(*m->workers));
	view->cluster = m->view;
	m->timer = evtimer_new(loop, on_timer, m);
	m->calm = event_new(loop, -1, EV_PERSIST, on_calm, m);
	timer_set(m->calm, CALM_MS);
	catalog_init(&m->catalog, loop, id, socket_directory);
	for (int i = 0; i < MANAGED_COUNT; i++)
		m->work[i] = sql_open_local(
			loop, socket_directory, id->port, managed_databases[i], WORK_TIMEOUT_MS);
	m->repair = repair_open(loop, settings, id, socket_directory);
	m->copies = copies_open(loop, id->port, socket_directory);
	fill_member(&m->view->members[0], id, 0);
	for (int i = 0; i < m->count; i++) {
		struct worker *w = &m->workers[i];
		w->view = &m->view->members[i + 1];
		w->row = &m->catalog.rows[i];
		fill_member(w->view, id, i + 1);
		w->watch = watch_open(loop, settings, id, i + 1, on_looked, m);
	}
	for (int i = 0; i < m->count; i++)
		watch_look(m->workers[i].watch);
	start_round(m);
	return m;
}

void members_close(struct members *m)
{
	for (int i = 0; i < m->count; i++)
		watch_close(m->workers[i].watch);
	catalog_fini(&m->catalog);
	for (int i = 0; i < MANAGED_COUNT; i++)
		sql_close(m->work[i]);
	repair_close(m->repair);
	copies_close(m->copies);
	event_free(m->timer);
	event_free(m->calm);
	m->node->cluster = NULL;
	free(m->view->members);
	free(m->view);
	free(m->workers);
	free(m->hosts);
	free(m->others);
	free(m->names);
	free(m->identifiers);
	free(m->empties);
	free(m->incarnations);
	free(m->timelines);
	free(m->lsns);
	free(m);
}

void members_wake(struct members *m, const char *name)
{
	struct worker *w = name ? worker_of_name(m, name) : NULL;

	for (int i = 0; i < m->count; i++) {
		if (w && w != &m->workers[i])
			continue;
		m->workers[i].is_asked_for = true;
		watch_look(m->workers[i].watch);
	}
	if (m->count == 0)
		start_round(m);
}
