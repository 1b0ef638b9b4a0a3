/* /metrics: the cluster, as ordinal 0 sees it. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/metrics_table.h"
#include "view/member_state.h"
#include "view/plan_step.h"

#include "base/banned.h"

static void write_members_by_state(struct series *s, const struct node_view *view)
{
	int counts[MEMBER_STATE_COUNT] = { 0 };

	if (!view->cluster)
		return;
	for (int i = 0; i < view->cluster->count; i++)
		if (view->cluster->members[i].state < MEMBER_STATE_COUNT)
			counts[view->cluster->members[i].state]++;
	for (enum member_state state = 0; state < MEMBER_STATE_COUNT; state++)
		metric_add_labelled(s, "state", member_state_name(state), counts[state]);
}

static void write_member_states(struct series *s, const struct node_view *view)
{
	for (int i = 0; view->cluster && i < view->cluster->count; i++) {
		const struct member *m = &view->cluster->members[i];
		for (enum member_state state = 0; state < MEMBER_STATE_COUNT; state++) {
			const struct label labels[] = {
				{ "node", m->name },
				{ "state", member_state_name(state) },
			};
			metric_add(s, labels, ARRAY_LEN(labels), m->state == state);
		}
	}
}

/* One that never answered has no age. */
static void write_last_seen(struct series *s, const struct node_view *view)
{
	for (int i = 0; view->cluster && i < view->cluster->count; i++) {
		const struct member *m = &view->cluster->members[i];
		if (m->last_seen_ms)
			metric_add_labelled(s, "node", m->name,
				(double)(clock_now_ms() - m->last_seen_ms) / 1000);
	}
}

static void write_shards(struct series *s, const struct node_view *view)
{
	for (int i = 0; view->cluster && i < view->cluster->count; i++) {
		const struct member *m = &view->cluster->members[i];
		if (m->registered && m->shards >= 0)
			metric_add(
				s, (struct label[]){ { "node", m->name } }, 1, (double)m->shards);
	}
}

/* No age before the first look: a 0 would look like the best of all values. */
static void write_look_age(struct series *s, const struct node_view *view)
{
	if (view->cluster && view->cluster->looked_ms)
		metric_add(s, NULL, 0, (double)(clock_now_ms() - view->cluster->looked_ms) / 1000);
}

/*
 * Citus sends every change of the nodes to all members whose metadata it keeps in sync, and DDL,
 * CREATE ROLE and writes to reference tables to all members. A freed one no longer gets the
 * former.
 */
static const struct {
	const char *what;
	bool freed_ones_too;
} blockable[] = {
	{ "registration", false },
	{ "ddl", true },
	{ "create_role", true },
	{ "reference_writes", true },
};

static bool blocks(const struct member *m, bool freed_ones_too)
{
	if (!m->registered || m->state == MEMBER_UNKNOWN)
		return false;
	return freed_ones_too ? !m->active : m->state != MEMBER_OURS && !m->freed;
}

static void write_blocked(struct series *s, const struct node_view *view)
{
	for (size_t b = 0; view->cluster && b < ARRAY_LEN(blockable); b++) {
		int count = 0;

		for (int i = 0; i < view->cluster->count; i++)
			count += blocks(&view->cluster->members[i], blockable[b].freed_ones_too);
		metric_add_labelled(s, "what", blockable[b].what, count);
	}
}

static void write_paused(struct series *s, const struct node_view *view)
{
	static const char *const by[] = { "setting", "wish" };

	for (size_t i = 0; view->cluster && i < ARRAY_LEN(by); i++) {
		const char *paused_by = view->cluster->paused_by;
		metric_add_labelled(s, "by", by[i], paused_by && strcmp(paused_by, by[i]) == 0);
	}
}

static void write_plan_step(struct series *s, const struct node_view *view)
{
	const char *planned = view->cluster ? view->cluster->step : NULL;

	for (enum plan_step step = 0; planned && step < PLAN_STEP_COUNT; step++) {
		const char *name = plan_step_name(step);
		metric_add_labelled(s, "step", name, strcmp(name, planned) == 0);
	}
}

static double cluster_formed(const struct cluster_view *cluster)
{
	return cluster->formed;
}

static double cluster_looks(const struct cluster_view *cluster)
{
	return cluster->looks;
}

static double cluster_registrations(const struct cluster_view *cluster)
{
	return cluster->registrations;
}

static double cluster_registration_failures(const struct cluster_view *cluster)
{
	return cluster->registration_failures;
}

static double member_reachable(const struct member *member)
{
	return member->reachable;
}

static double member_registered(const struct member *member)
{
	return member->registered;
}

static double member_active(const struct member *member)
{
	return member->active;
}

static double member_freed(const struct member *member)
{
	return member->freed;
}

static double member_overridden(const struct member *member)
{
	return member->overridden.count;
}

static double member_failures(const struct member *member)
{
	return member->failures;
}

static double member_outdated(const struct member *member)
{
	return member->outdated.count;
}

static const struct metric rows[] = {
	{ .name = "citus_init_cluster_formed",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 when the cluster has been formed.",
		.of_cluster = cluster_formed },
	{ .name = "citus_init_members",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: nodes in each state, the coordinator included.",
		.labels = "state",
		.write = write_members_by_state },
	{ .name = "citus_init_member_state",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 for the state that the node is in, 0 for the others.",
		.labels = "node, state",
		.write = write_member_states },
	{ .name = "citus_init_member_reachable",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 when the node answered the last look.",
		.labels = "node",
		.of_member = member_reachable },
	{ .name = "citus_init_member_last_seen_age_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: time since the node last answered a look. Absent when it "
			"never did.",
		.labels = "node",
		.write = write_last_seen },
	{ .name = "citus_init_member_registered",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 when the node is registered and active in Citus.",
		.labels = "node",
		.of_member = member_registered },
	{ .name = "citus_init_member_active",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 when the node is registered, recognised, in sync, and "
			"may serve.",
		.labels = "node",
		.of_member = member_active },
	{ .name = "citus_init_member_freed",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 while Citus changes its nodes without this one.",
		.labels = "node",
		.of_member = member_freed },
	{ .name = "citus_init_member_shards",
		.type = METRIC_GAUGE,
		.source = SOURCE_CATALOG,
		.help = "Coordinator: shard placements on the node. Absent while it is not "
			"registered.",
		.labels = "node",
		.write = write_shards },
	{ .name = "citus_init_member_overridden_settings",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: settings of the node's server that are set otherwise than "
			"the program wants them; the conditions of /status name them.",
		.labels = "node",
		.of_member = member_overridden },
	{ .name = "citus_init_member_failures",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: looks and registrations of the node that failed in a row.",
		.labels = "node",
		.of_member = member_failures },
	{ .name = "citus_init_member_outdated_collations",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: databases of the node, and collations in use, whose recorded "
			"version is not that of the library that orders text there.",
		.labels = "node",
		.of_member = member_outdated },
	{ .name = "citus_init_blocked",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: how many registered nodes, because they are away or not "
			"recognised, block this for all: the registration of nodes, DDL, CREATE "
			"ROLE, writes to reference tables. 0: not blocked.",
		.labels = "what",
		.write = write_blocked },
	{ .name = "citus_init_plan_step",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 for the step that is planned next, 0 for the others.",
		.labels = "step",
		.write = write_plan_step },
	{ .name = "citus_init_paused",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: 1 when changes are paused, by the setting or by the command.",
		.labels = "by",
		.write = write_paused },
	{ .name = "citus_init_last_look_age_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_LOOK,
		.help = "Coordinator: time since all nodes were last looked at. Absent before the "
			"first look.",
		.write = write_look_age },
	{ .name = "citus_init_looks_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_LOOK,
		.help = "Coordinator: looks at all nodes since the agent started.",
		.of_cluster = cluster_looks },
	{ .name = "citus_init_registrations_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_LOOK,
		.help = "Coordinator: nodes registered since the agent started.",
		.of_cluster = cluster_registrations },
	{ .name = "citus_init_registration_failures_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_LOOK,
		.help = "Coordinator: registrations that failed since the agent started.",
		.of_cluster = cluster_registration_failures },
};

const struct metric_table metrics_of_cluster = { rows, ARRAY_LEN(rows) };
