#include "cluster/cluster.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/classify.h"

#include "base/banned.h"

struct worker *cluster_worker_of_name(struct cluster *c, const char *name)
{
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->workers[i].view->name, name) == 0)
			return &c->workers[i];
	return NULL;
}

/* Who else shows the same system identifier: the name of a node, or NULL. */
static const char *twin_of(const struct cluster *c, const struct worker *of)
{
	const struct member_facts *facts = watch_facts(of->watch);

	if (facts->look != LOOK_ANSWERED)
		return NULL;
	if (strcmp(facts->system_identifier, c->catalog.facts.system_identifier) == 0)
		return c->id->name;
	for (int i = 0; i < c->count; i++) {
		const struct worker *w = &c->workers[i];
		const struct member_facts *other = watch_facts(w->watch);
		if (w != of && other->look == LOOK_ANSWERED &&
			strcmp(facts->system_identifier, other->system_identifier) == 0)
			return w->view->name;
	}
	return NULL;
}

static struct member_case member_case_of(const struct cluster *c, const struct worker *w)
{
	return (struct member_case){ .name = w->view->name,
		.facts = watch_facts(w->watch),
		.record = &w->row->record,
		.entries = w->row->entries,
		.host = w->view->host,
		.twin = twin_of(c, w) };
}

/* In all managed databases. */
static bool is_in_citus(const struct worker *w)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!w->row->entries[i].present || !w->row->entries[i].active)
			return false;
	return true;
}

/* By the coordinator's catalog, and by what the worker itself has: a worker whose metadata was
 * cleared needs it again. */
static bool has_metadata(const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);

	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!w->row->entries[i].has_metadata ||
			(facts->look == LOOK_ANSWERED && facts->databases[i].group == 0))
			return false;
	return true;
}

/* Citus' daemon tells a member of changed addresses after they were written. */
static bool is_stale(const struct worker *w)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (w->row->entries[i].is_stale)
			return true;
	return false;
}

static bool is_stamped(const struct cluster *c, const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);
	bool is = strcmp(facts->cluster_id, c->catalog.facts.id) == 0;

	for (int i = 0; i < MANAGED_COUNT; i++)
		is = is && strcmp(facts->databases[i].incarnation,
				   c->catalog.facts.databases[i].incarnation) == 0;
	return is;
}

static bool is_recognised(const struct worker *w, const struct member_facts *facts)
{
	return facts->server_start[0] && strcmp(facts->server_start, w->recognised.start) == 0 &&
	       (strcmp(facts->system_identifier, w->recognised.system_identifier) == 0 ||
		       strcmp(facts->system_identifier, w->recognised.successor) == 0);
}

bool cluster_may_enter(
	const struct cluster *c, const struct worker *w, const struct member_facts *found)
{
	if (!c->catalog.may_enter)
		return false;
	return !found->cluster_id[0] ||
	       (strcmp(found->cluster_id, c->view->id) == 0 &&
		       strcmp(found->name, w->view->name) == 0 && is_recognised(w, found));
}

void cluster_note_recognised(struct cluster *c, const bool chosen[])
{
	for (int i = 0; i < c->count; i++) {
		struct worker *w = &c->workers[i];
		const struct member_facts *facts = watch_facts(w->watch);
		char *identifier = w->view->state == MEMBER_EMPTY ? w->recognised.successor
								  : w->recognised.system_identifier;
		if (!chosen[i])
			continue;
		memcpy(w->recognised.start, facts->server_start, sizeof(w->recognised.start));
		if (w->view->state != MEMBER_RETURNING)
			memcpy(identifier, facts->system_identifier,
				sizeof(facts->system_identifier));
	}
}

static void recall_recognised(struct worker *w)
{
	const struct member_record *record = &w->row->record;

	memcpy(w->recognised.system_identifier, record->system_identifier,
		sizeof(w->recognised.system_identifier));
	memcpy(w->recognised.successor, record->successor, sizeof(w->recognised.successor));
	memcpy(w->recognised.start, record->recognised_start, sizeof(w->recognised.start));
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

/* An assessment is about one empty directory, and the member, or the removed one, whose place it
 * takes. */
static void follow_loss(struct worker *w)
{
	bool takes_a_place = w->view->state == MEMBER_EMPTY ||
			     (w->view->state == MEMBER_NEW && w->row->record.registered);

	if (!takes_a_place || strcmp(w->assessed, watch_facts(w->watch)->system_identifier) != 0) {
		w->assessed[0] = '\0';
		w->loss = (struct loss_report){ .loss = LOSS_UNKNOWN };
	}
	if (!takes_a_place)
		w->loss_problem[0] = '\0';
	memcpy(w->view->loss_problem, w->loss_problem, sizeof(w->view->loss_problem));
	memcpy(w->view->loss, w->loss.words, sizeof(w->view->loss));
	memcpy(w->view->loss_token, w->loss.token, sizeof(w->view->loss_token));
	w->view->loss_accepted =
		w->loss.token[0] && strcmp(w->loss.token, w->row->record.accepted) == 0;
}

static void follow(struct worker *w, enum member_state state)
{
	const struct member_facts *facts = watch_facts(w->watch);

	w->view->state = state;
	w->was_looked_at |= facts->look != LOOK_NONE;
	w->view->reachable = facts->look == LOOK_ANSWERED || facts->look == LOOK_NOT_SET_UP;
	memcpy(w->view->cluster_id, facts->cluster_id, sizeof(w->view->cluster_id));
	memcpy(w->view->system_identifier, facts->system_identifier,
		sizeof(w->view->system_identifier));
	w->view->registered = is_in_citus(w) && w->row->record.registered;
	w->view->freed = w->view->registered && !w->row->entries[0].has_metadata;
	w->view->disabled = classify_is_disabled(&w->row->record, w->row->entries);
	w->view->active =
		w->view->registered && state == MEMBER_OURS && has_metadata(w) && facts->admitted;
	w->view->group = w->row->entries[0].present ? w->row->entries[0].group : -1;
	w->view->shards = w->row->entries[0].shards;
	if (facts->look == LOOK_ANSWERED) {
		const struct fitness *fitness = &facts->databases[0].fitness;
		snprintf(w->view->version, sizeof(w->view->version), "%d.%d",
			fitness->server_version / 10000, fitness->server_version % 10000);
		snprintf(w->view->citus, sizeof(w->view->citus), "%s", fitness->citus);
		w->view->outdated = facts->outdated;
		w->view->overridden = facts->overridden;
	}
	follow_absence(w);
	follow_loss(w);
}

static void judge_worker(struct cluster *c, struct worker *w)
{
	enum member_state before = w->view->state;
	const struct member_case seen = member_case_of(c, w);
	char reason[sizeof(w->view->reason)];

	enum member_state state = classify_worker(&seen, &c->catalog.facts, reason, sizeof(reason));
	follow(w, state);
	/* A worker that is away fails with another reason at each try; only that it is away is
	 * news. */
	if (state != before || (!is_away(state) && strcmp(reason, w->view->reason) != 0)) {
		bool bad = state == MEMBER_FOREIGN || state == MEMBER_UNFIT ||
			   (w->row->record.registered && state != MEMBER_OURS &&
				   state != MEMBER_RETURNING);
		log_emit(bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s is %s%s%s host=%s",
			w->view->name, member_state_name(state), reason[0] ? ": " : "", reason,
			w->view->host);
	}
	memcpy(w->view->reason, reason, sizeof(reason));
}

static void judge_coordinator(struct cluster *c)
{
	struct member *own = &c->view->members[0];
	enum member_state before = own->state;
	struct member_case cases[MEMBERS_MAX];

	for (int i = 0; i < c->count; i++)
		cases[i] = member_case_of(c, &c->workers[i]);
	own->state = classify_coordinator(
		cases, c->count, &c->catalog.facts, own->reason, sizeof(own->reason));
	if (own->state != before && own->reason[0])
		log_emit(own->state == MEMBER_UNKNOWN ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			"%s is %s: %s", own->name, member_state_name(own->state), own->reason);
}

void cluster_classify(struct cluster *c)
{
	for (int i = 0; i < c->count; i++) {
		recall_recognised(&c->workers[i]);
		judge_worker(c, &c->workers[i]);
	}
	judge_coordinator(c);
}

/* The names of the workers that the step is for. */
static void name_chosen(struct cluster *c, const struct plan *plan)
{
	size_t used = 0;

	c->view->chosen[0] = '\0';
	for (int i = 0; i < c->count && used < sizeof(c->view->chosen) - 1; i++) {
		if (!plan->chosen[i])
			continue;
		int n = snprintf(c->view->chosen + used, sizeof(c->view->chosen) - used, "%s%s",
			used ? " " : "", c->workers[i].view->name);
		used += n > 0 ? (size_t)n : 0;
	}
}

static void publish_plan(struct cluster *c, const struct plan *plan)
{
	const char *paused = settings_number(c->settings, SET_PAUSE) ? "setting"
			     : c->catalog.is_paused		     ? "wish"
								     : NULL;

	if ((paused != NULL) != (c->view->paused_by != NULL))
		log_info("changes are %s", paused ? "paused" : "made again");
	c->view->paused_by = paused;
	c->view->step = plan_step_name(plan->step);
	memcpy(c->view->why, plan->why, sizeof(c->view->why));
	name_chosen(c, plan);
	if (strcmp(c->view->waiting_for, plan->waiting_for) == 0)
		return;
	memcpy(c->view->waiting_for, plan->waiting_for, sizeof(c->view->waiting_for));
	if (plan->step == PLAN_WAIT)
		log_info("waiting: %s", plan->why);
}

void cluster_publish(struct cluster *c, const struct plan *plan)
{
	struct member *own = &c->view->members[0];
	bool was_formed = c->view->formed;

	memcpy(c->view->id, c->catalog.facts.id, sizeof(c->view->id));
	c->view->formed = c->catalog.facts.formed;
	c->view->looked_ms = clock_now_ms();
	c->view->looks++;
	if (c->catalog.facts.reach > c->view->reach)
		c->view->reach = c->catalog.facts.reach;
	c->view->has_stale = false;
	for (int i = 0; i < c->count; i++)
		c->view->has_stale |=
			c->workers[i].view->state == MEMBER_OURS && is_stale(&c->workers[i]);
	own->reachable = true;
	own->registered =
		c->catalog.own[0].present &&
		address_is(&c->catalog.facts.databases[0].address, own->host, c->id->port);
	own->active = own->registered && own->state == MEMBER_OURS;
	own->group = c->catalog.own[0].group;
	own->shards = c->catalog.own[0].shards;
	own->last_seen_ms = c->view->looked_ms;
	memcpy(own->version, c->node->version, sizeof(own->version));
	memcpy(own->citus, c->node->citus, sizeof(own->citus));
	own->outdated = c->catalog.facts.outdated;
	own->overridden = c->catalog.facts.overridden;
	publish_plan(c, plan);
	if (c->view->formed && !was_formed)
		log_info("the cluster is formed cluster=%s nodes=%d", c->catalog.facts.id,
			c->node->size);
}

/* Of the cluster that form --abandon names. */
static bool is_of_abandoned(const struct cluster *c, const struct worker *w)
{
	return c->catalog.abandoned[0] &&
	       strcmp(watch_facts(w->watch)->cluster_id, c->catalog.abandoned) == 0;
}

/* And on the list that the operator has confirmed, "NAME=IDENTIFIER,...". */
static bool is_to_abandon(const struct cluster *c, const struct worker *w)
{
	_free_ char *it =
		xasprintf(",%s=%s,", w->view->name, watch_facts(w->watch)->system_identifier);
	_free_ char *list = xasprintf(",%s,", c->catalog.abandoned_workers);

	return is_of_abandoned(c, w) && strstr(list, it);
}

static struct plan_member seen_as(const struct cluster *c, const struct worker *w)
{
	const struct member_facts *facts = watch_facts(w->watch);
	const struct member_record *record = &w->row->record;
	int64_t now = clock_now_ms();
	int64_t grace_ms = 1000 * (int64_t)settings_number(c->settings, SET_GRACE_PERIOD);

	return (struct plan_member){ .name = w->view->name,
		.state = w->view->state,
		.recorded = record->registered,
		.addressed = record->address.host[0] != '\0',
		.due = now >= w->due_ms && !watch_is_busy(w->watch),
		.failures = w->failures,
		.in_citus = is_in_citus(w),
		.has_metadata = has_metadata(w),
		.is_stale = is_stale(w),
		.stamped = is_stamped(c, w),
		.recognised = is_recognised(w, facts),
		.admitted = facts->admitted,
		.shut = strcmp(facts->shut, member_state_name(w->view->state)) == 0,
		.disabled = w->view->disabled,
		.gone = w->away_ms && now - w->away_ms >= grace_ms,
		.leaving = w->view->leaving,
		.left_out = w->row->left_out,
		.of_another =
			facts->cluster_id[0] && strcmp(facts->cluster_id, c->catalog.facts.id) != 0,
		.to_abandon = is_to_abandon(c, w),
		.not_confirmed = is_of_abandoned(c, w) && !is_to_abandon(c, w),
		.has_successor = facts->look == LOOK_ANSWERED && record->successor[0] &&
				 strcmp(record->successor, facts->system_identifier) == 0,
		.loss = w->loss.loss,
		.loss_accepted = w->view->loss_accepted };
}

void cluster_plan(const struct cluster *c, bool one_by_one, struct plan *plan)
{
	const struct member *own = &c->view->members[0];
	struct plan_member seen[MEMBERS_MAX];

	for (int i = 0; i < c->count; i++)
		seen[i] = seen_as(c, &c->workers[i]);
	plan_next_step(&c->catalog.facts, seen, c->count, one_by_one, plan);
	bool is_right = own->state == MEMBER_OURS || own->state == MEMBER_NEW;
	/* Recognising goes by what is remembered, the other steps by what Citus' catalog holds too.
	 */
	if (is_right && (c->catalog.facts.entered || plan->step == PLAN_RECOGNISE))
		return;
	memset(plan->chosen, 0, sizeof(plan->chosen));
	plan->step = PLAN_WAIT;
	snprintf(plan->why, sizeof(plan->why), "%s",
		is_right ? "the coordinator's set-up has not finished" : own->reason);
	if (own->state != MEMBER_MISPLACED || c->view->adoption_hindrance[0] ||
		strcmp(c->catalog.adopted, c->view->adoption_token) != 0)
		return;
	plan->step = PLAN_ADOPT;
	snprintf(plan->why, sizeof(plan->why),
		"the operator has confirmed that the cluster is registered under the addresses of "
		"this set from now on");
}

void cluster_add_host(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", w->view->host);
}

void cluster_add_name(struct sql_array *array, const struct worker *w)
{
	sql_array_add(array, "%s", w->view->name);
}

char *cluster_array_of(const struct cluster *c, const bool chosen[],
	void (*add)(struct sql_array *array, const struct worker *w))
{
	struct sql_array array;

	sql_array_begin(&array);
	for (int i = 0; i < c->count; i++)
		if (chosen[i])
			add(&array, &c->workers[i]);
	return sql_array_end(&array);
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

void cluster_init(struct cluster *c, struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory, int reach,
	const struct watcher *watcher)
{
	const struct identity *id = view->identity;
	int nodes = view->size > reach ? view->size : reach;

	*c = (struct cluster){ .settings = settings, .id = id, .node = view, .count = nodes - 1 };
	c->view = xcalloc(1, sizeof(*c->view));
	c->view->count = c->view->reach = nodes;
	/* What the set-up has read already; the rest is known after the first round. */
	memcpy(c->view->id, view->cluster_id, sizeof(c->view->id));
	c->view->formed = view->formed;
	c->view->step = plan_step_name(PLAN_NOTHING);
	c->view->members = xcalloc((size_t)nodes, sizeof(*c->view->members));
	c->workers = xcalloc((size_t)c->count, sizeof(*c->workers));
	view->cluster = c->view;
	catalog_init(&c->catalog, loop, id, socket_directory, c->count);
	c->catalog.may_enter = view->recognised;
	fill_member(&c->view->members[0], id, 0);
	for (int i = 0; i < c->count; i++) {
		struct worker *w = &c->workers[i];
		w->view = &c->view->members[i + 1];
		w->row = &c->catalog.rows[i];
		fill_member(w->view, id, i + 1);
		w->view->leaving = i + 1 >= view->size;
		w->watch = watch_open(loop, settings, id, i + 1, watcher);
	}
}

void cluster_fini(struct cluster *c)
{
	for (int i = 0; i < c->count; i++)
		watch_close(c->workers[i].watch);
	catalog_fini(&c->catalog);
	c->node->cluster = NULL;
	free(c->view->members);
	free(c->view);
	free(c->workers);
}
