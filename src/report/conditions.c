#include "report/conditions.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "view/member_state.h"
#include "view/plan_step.h"

#include "base/banned.h"

/* The coordinator looks at everybody far more often than this (cluster/loop.c). */
enum { OLD_LOOK_MS = 120 * 1000 };

struct teller {
	const struct node_view *view;
	struct conditions *list;
	int64_t now_ms;
	int64_t now_s;
};

static const char *const severity_names[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

const char *severity_name(enum severity severity)
{
	return severity_names[severity];
}

/* Takes text over. */
static void add(const struct teller *t, enum severity severity, const char *node, char *text)
{
	struct conditions *list = t->list;
	struct condition *c;

	list->items = xrealloc(list->items, (size_t)list->count + 1, sizeof(*list->items));
	c = &list->items[list->count++];
	*c = (struct condition){ .severity = severity, .text = text };
	snprintf(c->node, sizeof(c->node), "%s", node);
	err_make_one_line(text);
}

/* "14:02 (UTC)", with its date when that is not today's. */
static void print_moment(FILE *out, int64_t then_s, int64_t now_s)
{
	time_t then = (time_t)then_s;
	bool is_today = then_s / (24 * 3600) == now_s / (24 * 3600);
	char text[40];
	struct tm tm;

	gmtime_r(&then, &tm);
	strftime(text, sizeof(text), is_today ? "%H:%M" : "%Y-%m-%d %H:%M", &tm);
	fprintf(out, "%s (UTC)", text);
}

static void print_since(FILE *out, const struct member *m, const struct teller *t)
{
	if (!m->away_since_s)
		return;
	fputs(" since ", out);
	print_moment(out, m->away_since_s, t->now_s);
}

static void print_reason(FILE *out, const struct member *m)
{
	fprintf(out, ": %s", m->reason[0] ? m->reason : member_state_meaning(m->state));
}

/* What a member that does not answer blocks for all others: Citus sends every change of its nodes,
 * and every such statement, to all nodes whose metadata it keeps in sync. A freed member no longer
 * gets the changes, but the statements still need its answer. */
static void print_blocked(FILE *out, const struct member *m)
{
	fprintf(out, "; DDL, CREATE ROLE%s writes to reference tables%s blocked by it",
		m->freed ? " and" : ",",
		m->freed ? " are" : " and the registration of other nodes are");
	if (m->shards > 0)
		fprintf(out, ", and its %ld shards are out of reach", m->shards);
	fprintf(out, ", until it is back%s",
		m->freed ? "; other nodes come and go without it" : "");
}

static enum severity tell_unreachable(FILE *out, const struct member *m, const struct teller *t)
{
	if (!m->registered) {
		fprintf(out, "%s does not answer", m->name);
		print_reason(out, m);
		if (m->disabled)
			fputs("; somebody disabled it in Citus, so nothing waits for it", out);
		return SEVERITY_WARNING;
	}
	fprintf(out, "%s is down", m->name);
	print_since(out, m, t);
	print_reason(out, m);
	print_blocked(out, m);
	return SEVERITY_CRITICAL;
}

static enum severity tell_hanging(FILE *out, const struct member *m, const struct teller *t)
{
	fprintf(out, "%s hangs", m->name);
	print_since(out, m, t);
	print_reason(out, m);
	if (!m->registered)
		return SEVERITY_WARNING;
	print_blocked(out, m);
	fputs("; statements that need it wait until they are cancelled: restart it", out);
	return SEVERITY_CRITICAL;
}

/* What only the operator can end; false for nothing. */
static bool tell_hindrance(FILE *out, const struct member *m)
{
	if (m->loss_token[0])
		fprintf(out,
			"%s; give it back its volume, or accept the loss: \"citus-init "
			"accept-loss %s\"",
			m->loss, m->name);
	else if (m->loss_problem[0])
		fprintf(out,
			"it is brought back once it is known what it has lost, and that cannot be "
			"found out: %s",
			m->loss_problem);
	return m->loss_token[0] || m->loss_problem[0];
}

static enum severity tell_empty(FILE *out, const struct member *m, const struct teller *t)
{
	fprintf(out, "%s was wiped: ", m->name);
	if (m->disabled) {
		fprintf(out,
			"somebody had disabled it in Citus, so it is not brought back; \"select "
			"citus_remove_node('%s', %d)\" in citusdb on the coordinator lets it join "
			"as a new node",
			m->host, t->view->identity->port);
		return SEVERITY_WARNING;
	}
	if (m->loss_accepted) {
		fputs("the loss is accepted, and it is brought back", out);
		return SEVERITY_WARNING;
	}
	if (tell_hindrance(out, m))
		return SEVERITY_CRITICAL;
	if (m->loss[0])
		fprintf(out, "%s; it is brought back automatically", m->loss);
	else
		fputs("it is brought back automatically, unless something had its only copy "
		      "there",
			out);
	return SEVERITY_WARNING;
}

static enum severity tell_new(FILE *out, const struct member *m, const struct teller *t)
{
	if (m->loss[0] || m->loss_problem[0]) {
		fprintf(out, "%s was removed from Citus, and its directory is new: ", m->name);
		if (m->loss_accepted)
			fputs("the loss is accepted, and it joins as a new node", out);
		else if (tell_hindrance(out, m))
			return SEVERITY_CRITICAL;
		return SEVERITY_WARNING;
	}
	fprintf(out, "%s is %s", m->name, member_state_name(m->state));
	print_since(out, m, t);
	print_reason(out, m);
	return SEVERITY_WARNING;
}

static enum severity tell_joining(FILE *out, const struct member *m, const struct teller *t)
{
	(void)t;
	fprintf(out, "%s is being registered", m->name);
	if (m->failures)
		fprintf(out, "; that has failed %u times: the coordinator's log says why",
			m->failures);
	return SEVERITY_WARNING;
}

static enum severity tell_by_hand(FILE *out, const struct member *m, const struct teller *t)
{
	_free_ char *words = member_state_by_hand(m->state, m->host, t->view->identity->port);

	fprintf(out, "%s is %s: %s", m->name, member_state_name(m->state), words);
	return SEVERITY_WARNING;
}

/* Of a member that has been recognised. */
static enum severity tell_ours(FILE *out, const struct member *m, const struct teller *t)
{
	if (m->ordinal == 0 && !m->registered)
		fprintf(out,
			"Citus does not know %s, the coordinator, by its host: somebody removed or "
			"changed it; \"select citus_set_coordinator_host('%s', %d)\" in citusdb on "
			"the coordinator ends that",
			m->name, m->host, t->view->identity->port);
	else if (m->freed)
		fprintf(out, "%s is back, and is brought up to date before it serves", m->name);
	else if (!m->registered)
		fprintf(out, "%s is registered, and that is being confirmed", m->name);
	else if (!m->active && m->ordinal > 0)
		fprintf(out, "%s is back, and does not serve yet", m->name);
	else
		fputs(m->name, out);
	if (m->reason[0])
		fprintf(out, ": %s", m->reason);
	return SEVERITY_WARNING;
}

/* How a state is put into words: by a function, or by its reason and what to do about it. */
static const struct telling {
	enum severity (*tell)(FILE *out, const struct member *m, const struct teller *t);
	const char *advice;
	enum severity severity; /* of a registered member; else a warning at most */
} tellings[MEMBER_STATE_COUNT] = {
	[MEMBER_UNKNOWN] = { .severity = SEVERITY_WARNING },
	[MEMBER_NEW] = { .tell = tell_new },
	[MEMBER_JOINING] = { .tell = tell_joining },
	[MEMBER_OURS] = { .tell = tell_ours },
	[MEMBER_DISABLED] = { .tell = tell_by_hand },
	[MEMBER_EMPTY] = { .tell = tell_empty },
	[MEMBER_FOREIGN] = { .severity = SEVERITY_CRITICAL,
		.advice = "it is refused, and not touched: give it its own volume" },
	[MEMBER_MISPLACED] = { .severity = SEVERITY_CRITICAL,
		.advice =
			"it serves nobody, and writes nothing to anybody, since that would go to "
			"the registered addresses: if another copy of it serves there, that one "
			"is the cluster; else start this set under the registered addresses, or adopt those "
			"that it has: \"citus-init adopt\"" },
	[MEMBER_TWIN] = { .severity = SEVERITY_CRITICAL,
		.advice = "both are refused, and not touched: give each its own volume" },
	[MEMBER_OLDER] = { .severity = SEVERITY_CRITICAL,
		.advice = "it is refused, and not touched: give it the volume that it had last" },
	[MEMBER_SUPERSEDED] = { .severity = SEVERITY_CRITICAL,
		.advice = "it is refused, and not touched: give it the volume that took its "
			  "place" },
	[MEMBER_REMOVED] = { .tell = tell_by_hand },
	[MEMBER_UNFIT] = { .severity = SEVERITY_WARNING,
		.advice = "all nodes need the same image and the same locale" },
	[MEMBER_LOCKED] = { .severity = SEVERITY_CRITICAL,
		.advice = "all nodes need the same SUPERPASS; the log-in is tried again "
			  "automatically" },
	[MEMBER_UNREACHABLE] = { .tell = tell_unreachable },
	[MEMBER_HANGING] = { .tell = tell_hanging },
};

static bool is_well(const struct member *m)
{
	return m->state == MEMBER_OURS && m->reachable && m->registered && !m->freed &&
	       !m->reason[0] && (m->active || m->ordinal == 0);
}

/* Before the forming new nodes are as they should be; the cluster's own sentence is enough. */
static bool is_forming(const struct member *m, const struct cluster_view *cluster)
{
	return !cluster->formed && !m->reason[0] &&
	       (m->state == MEMBER_NEW || m->state == MEMBER_JOINING || m->state == MEMBER_OURS);
}

/* A worker of a cluster that an empty coordinator does not know: tell_orphans() says what to do
 * with that whole cluster. */
static bool is_orphan(const struct member *m, const struct cluster_view *cluster)
{
	return !cluster->id[0] && m->cluster_id[0];
}

/* While the coordinator itself is refused, its view of a worker proves nothing: no advice then. */
static bool is_under_wrong_coordinator(const struct teller *t, const struct member *m)
{
	const struct cluster_view *cluster = t->view->cluster;

	return m->ordinal > 0 && cluster->id[0] && cluster->members[0].state != MEMBER_OURS;
}

static void tell_member(const struct teller *t, const struct member *m)
{
	const struct telling *telling = &tellings[m->state];
	enum severity severity;
	char *text = NULL;
	size_t size = 0;

	/* One that was taken out of Citus is no concern of the cluster's any more. */
	bool has_left = m->leaving && m->group < 0;

	if (is_well(m) || is_forming(m, t->view->cluster) || is_orphan(m, t->view->cluster) ||
		has_left)
		return;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	if (telling->tell) {
		severity = telling->tell(out, m, t);
	} else {
		severity = telling->severity;
		if (severity == SEVERITY_CRITICAL && !m->registered && m->ordinal > 0)
			severity = SEVERITY_WARNING;
		fprintf(out, "%s is %s", m->name, member_state_name(m->state));
		print_since(out, m, t);
		print_reason(out, m);
		if (telling->advice && !is_under_wrong_coordinator(t, m))
			fprintf(out, "; %s", telling->advice);
	}
	fclose(out);
	add(t, severity, m->name, text);
}

/* Above SET_SIZE, and still in Citus. */
static void tell_leaving(const struct teller *t, const struct member *m)
{
	if (!m->leaving || m->group < 0)
		return;
	add(t, SEVERITY_WARNING, m->name,
		xasprintf(
			"%s is above SET_SIZE (%d) and is still a member: it serves as before, and "
			"%ld shard%s on it; to keep it, raise SET_SIZE; to take it out, in citusdb "
			"on the coordinator: \"select citus_drain_node('%s', %d)\", then \"select "
			"citus_remove_node('%s', %d)\", and only then fewer replicas",
			m->name, t->view->size, m->shards, m->shards == 1 ? " is" : "s are",
			m->host, t->view->identity->port, m->host, t->view->identity->port));
}

/* Only of a member: a directory that is refused is not to be touched. Citus sends ALTER DATABASE on
 * to all nodes from the coordinator's citusdb, and forbids it in that of a worker; in database
 * postgres, where Citus is not, it is each server's own. */
static void tell_outdated(const struct teller *t, const struct member *m)
{
	const struct outdated_view *outdated = &m->outdated;
	_free_ char *more = NULL;

	if (m->state != MEMBER_OURS || !outdated->count)
		return;
	if (outdated->count > outdated->listed)
		more = xasprintf(" and %d more", outdated->count - outdated->listed);
	add(t, SEVERITY_WARNING, m->name,
		xasprintf("the library that orders text on %s has another version than the "
			  "recorded one: %s%s; indexes on text may miss rows until they are "
			  "rebuilt; on %s, run REINDEX DATABASE in each of these databases, then "
			  "ALTER DATABASE ... REFRESH COLLATION VERSION in database postgres, and "
			  "for a collation ALTER COLLATION ... REFRESH VERSION in its own database",
			m->name, outdated->list, more ? more : "", m->name));
}

/* Each setting of a member's server that is not as the program wants it. */
static void tell_overridden(const struct teller *t, const struct member *m)
{
	const struct overridden_view *overridden = &m->overridden;
	_free_ char *copy = xstrdup(overridden->lines);
	char *rest = NULL;

	if (m->state != MEMBER_OURS)
		return;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		add(t, SEVERITY_WARNING, m->name, xasprintf("%s: %s", m->name, line));
	if (overridden->count > overridden->listed)
		add(t, SEVERITY_WARNING, m->name,
			xasprintf("%s: %d more settings of its server are not as citus-init wants "
				  "them; mend those above first",
				m->name, overridden->count - overridden->listed));
}

/* This coordinator has no cluster, but workers have: one condition for each of their clusters.
 * Returns whether there is any. */
static bool tell_orphans(const struct teller *t)
{
	const struct cluster_view *cluster = t->view->cluster;
	const struct member *members = cluster->members;
	bool is_any = false;

	for (int i = 1; i < cluster->count; i++) {
		const char *id = members[i].cluster_id;
		bool is_told = !is_orphan(&members[i], cluster);
		char *text = NULL;
		size_t size = 0;

		for (int k = 1; k < i; k++)
			is_told |= strcmp(members[k].cluster_id, id) == 0;
		if (is_told)
			continue;
		FILE *out = open_memstream(&text, &size);
		if (!out)
			abort();
		fprintf(out, "this coordinator belongs to no cluster, but cluster %s is known to",
			id);
		for (int k = i, n = 0; k < cluster->count; k++)
			if (strcmp(members[k].cluster_id, id) == 0)
				fprintf(out, "%s%s", n++ ? ", " : " ", members[k].name);
		fprintf(out,
			": nothing is formed or touched; give %s back its volume, or abandon "
			"that cluster: \"citus-init form --abandon %s\"",
			t->view->identity->name, id);
		fclose(out);
		add(t, SEVERITY_CRITICAL, "", text);
		is_any = true;
	}
	return is_any;
}

static void tell_forming(const struct teller *t)
{
	const struct cluster_view *cluster = t->view->cluster;

	if (cluster->formed || tell_orphans(t))
		return;
	if (!cluster->waiting_for[0])
		add(t, SEVERITY_WARNING, "", xstrdup("the cluster is not formed yet"));
	else
		add(t, SEVERITY_WARNING, "",
			xasprintf("waiting for %s to form%s", cluster->waiting_for,
				cluster->id[0] ? ""
					       : "; to form without a worker that will not "
						 "come: \"citus-init form --without ORDINAL\""));
}

/* Whether the plan's step is one that a pause holds up. */
static bool is_held_up(const char *step)
{
	for (enum plan_step s = PLAN_NOTHING; step && s < PLAN_STEP_COUNT; s++)
		if (strcmp(plan_step_name(s), step) == 0)
			return plan_step_is_change(s);
	return false;
}

static void tell_pause(const struct teller *t)
{
	const struct cluster_view *cluster = t->view->cluster;
	const char *who = "\"citus-init pause\"; \"citus-init resume\" ends that";

	if (!cluster->paused_by)
		return;
	if (strcmp(cluster->paused_by, "setting") == 0)
		who = "the setting CITUS_INIT_PAUSE";
	if (is_held_up(cluster->step))
		add(t, SEVERITY_WARNING, "",
			xasprintf("changes are paused by %s; held up: %s %s", who, cluster->step,
				cluster->chosen));
	else
		add(t, SEVERITY_INFO, "", xasprintf("changes are paused by %s", who));
}

static void tell_look(const struct teller *t)
{
	int64_t looked_ms = t->view->cluster->looked_ms;
	int64_t since_ms = looked_ms ? looked_ms : t->view->started_ms;

	if (t->now_ms - since_ms < OLD_LOOK_MS)
		return;
	add(t, SEVERITY_WARNING, "",
		xasprintf("%s %lld s ago%s",
			looked_ms ? "the last look at all nodes was"
				  : "the nodes have not been looked at; this agent started",
			(long long)(t->now_ms - since_ms) / 1000,
			looked_ms ? ": what is said of them may be out of date" : ""));
}

/* The gravest first; qsort() keeps no order among equals. */
static void sort(struct conditions *list)
{
	struct condition *sorted = xcalloc((size_t)list->count + 1, sizeof(*sorted));
	int n = 0;

	for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_INFO; severity--)
		for (int i = 0; i < list->count; i++)
			if ((int)list->items[i].severity == severity)
				sorted[n++] = list->items[i];
	free(list->items);
	list->items = sorted;
}

/* A worker that was told to abandon its directory. */
static void tell_abandoned(const struct teller *t)
{
	const struct node_view *view = t->view;

	if (view->abandoned[0])
		add(t, SEVERITY_WARNING, view->identity->name,
			xasprintf("%s has been told to abandon cluster %s: its data directory "
				  "is renamed, and a new one is made",
				view->identity->name, view->abandoned));
}

void conditions_of(
	const struct node_view *view, int64_t now_ms, int64_t now_s, struct conditions *list)
{
	const struct teller t = { .view = view, .list = list, .now_ms = now_ms, .now_s = now_s };

	*list = (struct conditions){ 0 };
	tell_abandoned(&t);
	if (view->cluster) {
		tell_forming(&t);
		for (int i = 0; i < view->cluster->count; i++) {
			tell_member(&t, &view->cluster->members[i]);
			tell_outdated(&t, &view->cluster->members[i]);
			tell_overridden(&t, &view->cluster->members[i]);
			tell_leaving(&t, &view->cluster->members[i]);
		}
		tell_pause(&t);
		tell_look(&t);
	}
	sort(list);
}

void conditions_free(struct conditions *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->items[i].text);
	free(list->items);
	*list = (struct conditions){ 0 };
}
