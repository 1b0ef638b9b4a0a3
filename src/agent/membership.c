#include "agent/membership.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

static const struct {
	const char *name;
	const char *recognised_by;
	const char *meaning;
	const char *action;
} states[MEMBER_STATE_COUNT] = {
	[MEMBER_UNKNOWN] = { "unknown", "nothing yet", "it has not been looked at yet", "look" },
	[MEMBER_NEW] = { "new", "no cluster id, group 0, no nodes, no tables, no shards",
		"it is empty and can be registered", "write the intent, give it our cluster id" },
	[MEMBER_JOINING] = { "joining", "our cluster id, its name, group 0",
		"it is being registered", "register it" },
	[MEMBER_OURS] = { "ours", "our cluster id, its name, its identifier, its group",
		"it is a member", "nothing" },
	[MEMBER_FOREIGN] = { "foreign",
		"another cluster's id, another node's name or identifier, or metadata without an id",
		"its data directory is not this cluster's: it is not touched",
		"refused; give it its own volume, or an empty one" },
	[MEMBER_UNFIT] = { "unfit",
		"another PostgreSQL major, Citus version, encoding or collation; a set-up not finished",
		"it cannot work with the coordinator as it is", "refused until it fits" },
	[MEMBER_LOCKED] = { "locked", "log-in refused (password, pg_hba)",
		"it refuses the log-in of \"postgres\"", "tried again with a back-off" },
	[MEMBER_UNREACHABLE] = { "unreachable", "no connection, or no answer in time",
		"it does not answer", "tried again with a back-off" },
};

static const char *const step_names[PLAN_STEP_COUNT] = {
	[PLAN_NOTHING] = "nothing",
	[PLAN_WAIT] = "wait",
	[PLAN_MINT] = "mint",
	[PLAN_STAMP] = "stamp",
	[PLAN_REGISTER] = "register",
	[PLAN_CONFIRM] = "confirm",
	[PLAN_FORM] = "form",
};

const char *member_state_name(enum member_state state)
{
	return states[state].name;
}

const char *member_state_meaning(enum member_state state)
{
	return states[state].meaning;
}

const char *plan_step_name(enum plan_step step)
{
	return step_names[step];
}

void membership_print_states(FILE *out)
{
	fprintf(out, "| State | Recognised by | Means | What is done |\n|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		fprintf(out, "| %s | %s | %s | %s |\n", states[i].name, states[i].recognised_by,
			states[i].meaning, states[i].action);
}

/* Whether shards can move between it and the coordinator; says what differs, naming both. */
static bool fits(const struct fitness *it, const struct fitness *ours, char *reason, size_t size)
{
	const struct {
		const char *what;
		const char *it;
		const char *ours;
	} same[] = {
		{ "Citus", it->citus, ours->citus },
		{ "encoding", it->encoding, ours->encoding },
		{ "collation", it->collation, ours->collation },
		{ "collation version", it->collation_version, ours->collation_version },
	};

	if (it->server_version / 10000 != ours->server_version / 10000) {
		snprintf(reason, size, "it runs PostgreSQL %d, the coordinator %d",
			it->server_version / 10000, ours->server_version / 10000);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		if (strcmp(same[i].it, same[i].ours) == 0)
			continue;
		snprintf(reason, size, "its %s is \"%s\", the coordinator's \"%s\"", same[i].what,
			same[i].it, same[i].ours);
		return false;
	}
	return true;
}

static bool is_empty(const struct member_facts *facts)
{
	return facts->group == 0 && facts->nodes == 0 && facts->tables == 0 && facts->shards == 0;
}

/* A directory without a cluster id: new, or somebody else's from before citus-init. */
static enum member_state classify_unstamped(const struct member_facts *facts,
	const struct member_record *record, const struct member_entry *entry, char *reason,
	size_t size)
{
	if (!is_empty(facts)) {
		snprintf(reason, size,
			"it holds Citus metadata (group %d, %lld nodes, %lld tables) but no cluster id",
			facts->group, facts->nodes, facts->tables);
		return MEMBER_FOREIGN;
	}
	if (record->registered || (entry->present && entry->active)) {
		snprintf(reason, size,
			"its data directory is new, but a member with %ld shards is remembered under "
			"its name: give it back its volume",
			entry->shards);
		return MEMBER_FOREIGN;
	}
	return MEMBER_NEW;
}

static enum member_state classify_stamped(const char *name, const struct member_facts *facts,
	const struct member_record *record, const struct member_entry *entry,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	if (strcmp(facts->cluster_id, cluster->id) != 0) {
		snprintf(reason, size, "it belongs to cluster %s as %s%s%s", facts->cluster_id,
			facts->name,
			cluster->id[0] ? ", not to " : ", and this coordinator to none",
			cluster->id);
		return MEMBER_FOREIGN;
	}
	if (strcmp(facts->name, name) != 0) {
		snprintf(reason, size, "its data directory is that of %s", facts->name);
		return MEMBER_FOREIGN;
	}
	if (!record->intended || strcmp(record->system_identifier, facts->system_identifier) != 0) {
		snprintf(reason, size,
			"its system identifier is %s, remembered is %s: another directory",
			facts->system_identifier,
			record->intended ? record->system_identifier : "none");
		return MEMBER_FOREIGN;
	}
	if (facts->group == 0) {
		if (!record->registered)
			return MEMBER_JOINING;
		snprintf(reason, size,
			"it is registered, but its database \"citusdb\" is not "
			"that of the member: was it dropped and made again?");
		return MEMBER_FOREIGN;
	}
	if (!entry->present || entry->group != facts->group) {
		snprintf(reason, size, "it is in group %d, which pg_dist_node does not know",
			facts->group);
		return MEMBER_FOREIGN;
	}
	if (!entry->active)
		snprintf(reason, size, "it is disabled in pg_dist_node");
	return MEMBER_OURS;
}

enum member_state member_classify(const char *name, const struct member_facts *facts,
	const struct member_record *record, const struct member_entry *entry,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	enum member_state state = MEMBER_UNKNOWN;

	reason[0] = '\0';
	switch (facts->look) {
	case LOOK_NONE: return MEMBER_UNKNOWN;
	case LOOK_SILENT: state = MEMBER_UNREACHABLE; break;
	case LOOK_REFUSED: state = MEMBER_LOCKED; break;
	case LOOK_NOT_SET_UP: state = MEMBER_UNFIT; break;
	case LOOK_ANSWERED:
		state = facts->cluster_id[0]
				? classify_stamped(
					  name, facts, record, entry, cluster, reason, size)
				: classify_unstamped(facts, record, entry, reason, size);
		/* A member that differs is told of, and stays a member: an upgrade passes
		 * through that. A node that is none yet must fit first. */
		if (state == MEMBER_NEW || state == MEMBER_JOINING) {
			if (!fits(&facts->fitness, &cluster->fitness, reason, size))
				state = MEMBER_UNFIT;
		} else if (state == MEMBER_OURS && !reason[0]) {
			(void)fits(&facts->fitness, &cluster->fitness, reason, size);
		}
		return state;
	}
	snprintf(reason, size, "%s", facts->problem);
	return state;
}

static bool is_joinable(enum member_state state)
{
	return state == MEMBER_NEW || state == MEMBER_JOINING;
}

/* Names everybody who is not where the plan wants them, with their state. */
static void name_waiting(
	struct plan *plan, const struct plan_member *workers, int count, enum member_state wanted)
{
	size_t used = 0;

	for (int i = 0; i < count && used < sizeof(plan->waiting_for) - 1; i++) {
		if (workers[i].state == wanted)
			continue;
		int n = snprintf(plan->waiting_for + used, sizeof(plan->waiting_for) - used,
			"%s%s (%s)", used ? ", " : "", workers[i].name,
			states[workers[i].state].name);
		used += n > 0 ? (size_t)n : 0;
	}
}

static int choose(struct plan *plan, enum plan_step step, const struct plan_member *workers,
	int count, bool (*wanted)(const struct plan_member *), bool only_one)
{
	int chosen = 0;

	for (int i = 0; i < count && !(only_one && chosen); i++) {
		plan->chosen[i] = wanted(&workers[i]);
		chosen += plan->chosen[i];
	}
	if (chosen)
		plan->step = step;
	return chosen;
}

static bool is_to_stamp(const struct plan_member *m)
{
	return m->state == MEMBER_NEW && m->due;
}

static bool is_to_register(const struct plan_member *m)
{
	return m->state == MEMBER_JOINING && m->due;
}

static bool is_to_confirm(const struct plan_member *m)
{
	return m->state == MEMBER_OURS && !m->recorded;
}

void membership_plan(const struct cluster_facts *cluster, const struct plan_member *workers,
	int count, bool one_by_one, struct plan *plan)
{
	int ours = 0, pending = 0;

	*plan = (struct plan){ .step = PLAN_NOTHING };
	if (!cluster->id[0]) {
		/*
		 * One silent worker holds up the first forming, and no time-out overrides that:
		 * an empty coordinator could otherwise take the first old worker that answers
		 * while the others still serve the old cluster.
		 */
		name_waiting(plan, workers, count, MEMBER_NEW);
		plan->step = plan->waiting_for[0] ? PLAN_WAIT : PLAN_MINT;
		return;
	}
	name_waiting(plan, workers, count, MEMBER_OURS);
	if (choose(plan, PLAN_CONFIRM, workers, count, is_to_confirm, false) ||
		choose(plan, PLAN_STAMP, workers, count, is_to_stamp, false) ||
		choose(plan, PLAN_REGISTER, workers, count, is_to_register, one_by_one))
		return;
	for (int i = 0; i < count; i++) {
		ours += workers[i].state == MEMBER_OURS;
		pending += is_joinable(workers[i].state) && workers[i].failures == 0;
	}
	if (!cluster->formed && !pending && (ours > 0 || count == 0))
		plan->step = PLAN_FORM;
	else if (plan->waiting_for[0])
		plan->step = PLAN_WAIT;
}
