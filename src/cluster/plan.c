/* What to do next. */
#include "cluster/plan.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

/* The plan in the making. */
struct making {
	const struct cluster_facts *cluster;
	const struct plan_member *workers;
	int count;
	bool one_by_one;
	struct plan *plan;
};

typedef bool (*member_test)(const struct plan_member *m);

/* Both append, and cut what is too long. */
static void append(char *to, size_t size, const char *fmt, va_list arguments)
{
	size_t used = strlen(to);

	vsnprintf(to + used, size - used, fmt, arguments);
}

static void why(const struct making *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void why(const struct making *p, const char *fmt, ...)
{
	va_list arguments;

	va_start(arguments, fmt);
	append(p->plan->why, sizeof(p->plan->why), fmt, arguments);
	va_end(arguments);
}

static void wait_for(struct making *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wait_for(struct making *p, const char *fmt, ...)
{
	va_list arguments;

	va_start(arguments, fmt);
	append(p->plan->waiting_for, sizeof(p->plan->waiting_for), fmt, arguments);
	va_end(arguments);
}

/* "citus-1, citus-2", with their states or without; of very many the first ones only. */
static void why_members(const struct making *p, const bool chosen[], bool with_states)
{
	const int most = 6;
	int named = 0;

	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		if (!chosen[i] || named++ >= most)
			continue;
		why(p, "%s%s", named > 1 ? ", " : "", m->name);
		if (with_states)
			why(p, " (%s)", member_state_name(m->state));
	}
	if (named > most)
		why(p, " and %d more", named - most);
}

static int count_chosen(const struct making *p, const bool chosen[])
{
	int n = 0;

	for (int i = 0; i < p->count; i++)
		n += chosen[i];
	return n;
}

static int pick(const struct making *p, bool chosen[], member_test is_wanted, bool only_one)
{
	int n = 0;

	for (int i = 0; i < p->count; i++) {
		chosen[i] = !(only_one && n) && is_wanted(&p->workers[i]);
		n += chosen[i];
	}
	return n;
}

/* Takes the step for the chosen ones: "citus-1, citus-2 are REASON". */
static void take(struct making *p, enum plan_step step, const bool chosen[], const char *reason)
{
	p->plan->step = step;
	memcpy(p->plan->chosen, chosen, sizeof(p->plan->chosen));
	why_members(p, chosen, false);
	why(p, " %s %s", count_chosen(p, chosen) > 1 ? "are" : "is", reason);
}

/* Away or not looked at: nothing reaches it. */
static bool is_out_of_sight(const struct plan_member *m)
{
	return m->state == MEMBER_UNKNOWN || m->state == MEMBER_UNREACHABLE ||
	       m->state == MEMBER_HANGING || m->state == MEMBER_LOCKED;
}

static bool is_loss_bearable(const struct plan_member *m)
{
	return m->loss == LOSS_NONE || m->loss == LOSS_COPIES ||
	       (m->loss == LOSS_ONLY_COPIES && m->loss_accepted);
}

/* An empty one that may be filled again. */
static bool is_let_back(const struct plan_member *m)
{
	return m->state == MEMBER_EMPTY && !m->leaving && !m->disabled && is_loss_bearable(m);
}

/* New, under the name of a member that somebody removed: that one's directory is written off with
 * its registration, and databases that are not managed may have shards there. */
static bool takes_a_place(const struct plan_member *m)
{
	return m->state == MEMBER_NEW && m->recorded;
}

static bool is_in_sync(const struct plan_member *m)
{
	return m->in_citus && m->has_metadata;
}

static bool is_to_recognise(const struct plan_member *m)
{
	return m->state == MEMBER_RETURNING && !m->recognised && m->due;
}

static bool is_to_admit(const struct plan_member *m)
{
	return m->state == MEMBER_OURS && m->recorded && is_in_sync(m) && !m->is_stale &&
	       !m->admitted && m->due;
}

static bool is_to_shut(const struct plan_member *m)
{
	return (m->state == MEMBER_DISABLED || m->state == MEMBER_REMOVED) &&
	       (m->admitted || !m->shut) && m->due;
}

static bool is_to_confirm(const struct plan_member *m)
{
	return m->state == MEMBER_OURS && !(m->recorded && m->addressed);
}

static bool is_to_assess(const struct plan_member *m)
{
	bool is_empty = m->state == MEMBER_EMPTY && !m->disabled;

	return (is_empty || (takes_a_place(m) && !m->leaving)) && m->loss == LOSS_UNKNOWN && m->due;
}

static bool is_to_stamp_new(const struct plan_member *m)
{
	return m->state == MEMBER_NEW && m->due && !m->leaving &&
	       (!takes_a_place(m) || is_loss_bearable(m));
}

static bool is_to_stamp_empty(const struct plan_member *m)
{
	return is_let_back(m) && m->due && !(m->has_successor && m->stamped);
}

/* Killed while it was stamped, or a database has been made anew since. One that is to join in the
 * place of a removed member needs an intent of its own before it is registered. */
static bool is_to_stamp_rest(const struct plan_member *m)
{
	bool is_joining = m->state == MEMBER_JOINING && !m->leaving;

	return (m->state == MEMBER_OURS || is_joining) && m->due &&
	       (!m->stamped || (is_joining && m->recorded));
}

/* This and the next one hold only when all that are due have been stamped. */
static bool is_to_register(const struct plan_member *m)
{
	return m->state == MEMBER_JOINING && m->due && !m->leaving;
}

static bool is_to_bring_back(const struct plan_member *m)
{
	return is_let_back(m) && m->due;
}

static bool is_to_activate(const struct plan_member *m)
{
	return m->state == MEMBER_OURS && m->in_citus && !m->has_metadata && m->due;
}

/* Steps that need no other member, in the order in which they are tried. */
static const struct {
	enum plan_step step;
	member_test is_wanted;
	bool only_one;
	const char *reason;
} lone_steps[] = {
	/* First, for pause does not hold these up. */
	{ PLAN_RECOGNISE, is_to_recognise, false,
		"recognised: who was a member may let the cluster in again" },
	{ PLAN_ADMIT, is_to_admit, false, "recognised: ordinary roles may log in there" },
	{ PLAN_SHUT, is_to_shut, false,
		"disabled or removed by somebody: ordinary roles may not log in there" },
	{ PLAN_CONFIRM, is_to_confirm, false, "registered in Citus: that is now remembered" },
	{ PLAN_ASSESS, is_to_assess, true, "empty, and was a member: its loss is assessed" },
	{ PLAN_STAMP, is_to_stamp_new, false, "new: the cluster's id is written there" },
	{ PLAN_STAMP, is_to_stamp_empty, false,
		"empty, and may be filled again: the cluster's id is written there" },
	{ PLAN_STAMP, is_to_stamp_rest, false,
		"without the mark of a database, or to join in a removed one's place: that is "
		"written there" },
};

/*
 * Steps that change the nodes of Citus, in the order in which they are tried. Citus writes such a
 * change to every member whose metadata it keeps in sync. So it fails when one of them does not
 * answer; it would be written into a directory that is not the cluster's; and an empty member would
 * take it for its own: one row of pg_dist_node makes that one a coordinator in its own eyes, and
 * Citus' maintenance daemon gives it a group, which hides that it is empty (seen with 13.2).
 */
static const struct need {
	enum plan_step step;
	member_test is_wanted;
} needs[] = {
	{ PLAN_REGISTER, is_to_register },
	{ PLAN_BRING_BACK, is_to_bring_back },
	{ PLAN_ACTIVATE, is_to_activate },
};

static bool is_blocking(const struct plan_member *m)
{
	return is_in_sync(m) && m->state != MEMBER_OURS && m->state != MEMBER_NEW &&
	       m->state != MEMBER_JOINING;
}

static bool is_freed_and_out_of_sight(const struct plan_member *m)
{
	return m->in_citus && !m->has_metadata && is_out_of_sight(m);
}

/* Nothing will be done for it before its operator acts, or what was done has failed. */
static bool is_to_stay_empty(const struct plan_member *m)
{
	return m->state == MEMBER_EMPTY && (m->failures > 0 || !is_let_back(m));
}

/* Which blocking member to leave behind so that the step can be taken: its index; or -1, and
 * refusal says why not, as the end of a sentence. */
static int choose_to_free(
	const struct making *p, enum plan_step step, const bool blocking[], const char **refusal)
{
	int away = -1, empty = -1, refused = 0, away_count = 0, freed = 0;

	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		freed += is_freed_and_out_of_sight(m);
		if (!blocking[i])
			continue;
		if (is_out_of_sight(m)) {
			away = i;
			away_count++;
		} else if (m->state == MEMBER_RETURNING) {
			*refusal = "; in a moment";
			return -1;
		} else if (m->state == MEMBER_EMPTY) {
			/* Being filled again gets it out of the way, unless another one is next.
			 * First it must be known what it has lost. */
			if (empty < 0 && m->loss != LOSS_UNKNOWN &&
				(step == PLAN_BRING_BACK || is_to_stay_empty(m)))
				empty = i;
		} else {
			refused++;
		}
	}
	/* Citus writes the freeing to the other members too, so it is done only while all of them
	 * answer. That also shows that the coordinator itself is not cut off. */
	*refusal = "";
	if (refused)
		*refusal = "; what is refused is not touched";
	else if (away_count + freed > 1)
		*refusal = "; only one member that is away is left behind";
	else if (away_count && !p->workers[away].gone)
		*refusal = "; after the grace period the others go on without it";
	if ((*refusal)[0])
		return -1;
	return away_count ? away : empty;
}

static void free_one(struct making *p, int index, const bool waiting[])
{
	const struct plan_member *m = &p->workers[index];

	p->plan->step = PLAN_FREE;
	p->plan->chosen[index] = true;
	p->plan->why[0] = '\0';
	why_members(p, waiting, true);
	if (m->state == MEMBER_EMPTY)
		why(p,
			" waits, because Citus would write its metadata to %s, which is empty: "
			"Citus goes on without it until it has been filled again",
			m->name);
	else
		why(p,
			" cannot be changed in Citus while a member does not answer, and %s has "
			"been %s for longer than the grace period: Citus goes on without it "
			"until it is back",
			m->name, member_state_name(m->state));
}

static const char *reason_of(const struct making *p, enum plan_step step, const bool chosen[])
{
	if (step == PLAN_REGISTER)
		return p->one_by_one ? "marked with the cluster's id: handed to Citus alone, "
				       "because the last batch failed"
				     : "marked with the cluster's id: handed to Citus";
	if (step == PLAN_ACTIVATE)
		return "back, and its metadata is out of date: Citus brings it into sync";
	for (int i = 0; i < p->count; i++)
		if (chosen[i] && p->workers[i].loss == LOSS_NONE)
			return "empty, and no shards were on it: it gets its place back";
		else if (chosen[i] && p->workers[i].loss == LOSS_ONLY_COPIES)
			return "empty, and its loss has been accepted: it is filled again";
	return "empty, and each of its shards has another copy: it is filled again";
}

/* One step that changes Citus' nodes, or what holds it up. */
static bool plan_change(struct making *p)
{
	bool chosen[MEMBERS_MAX] = { false }, blocking[MEMBERS_MAX] = { false };

	for (size_t n = 0; n < ARRAY_LEN(needs); n++) {
		enum plan_step step = needs[n].step;
		bool only_one = step != PLAN_REGISTER || p->one_by_one;
		const char *refusal = "";

		if (!pick(p, chosen, needs[n].is_wanted, only_one))
			continue;
		pick(p, blocking, is_blocking, false);
		for (int i = 0; i < p->count; i++)
			blocking[i] = blocking[i] && !chosen[i];
		if (!count_chosen(p, blocking)) {
			p->plan->why[0] = '\0';
			take(p, step, chosen, reason_of(p, step, chosen));
			return true;
		}
		int freed = choose_to_free(p, step, blocking, &refusal);
		if (freed >= 0) {
			free_one(p, freed, chosen);
			return true;
		}
		/* Keep the first reason, in case nothing else can be done. */
		if (p->plan->why[0])
			continue;
		why_members(p, chosen, true);
		why(p, " waits for ");
		why_members(p, blocking, true);
		why(p, ": Citus changes its nodes only while every member takes part%s", refusal);
	}
	return false;
}

static bool is_settled(const struct plan_member *m)
{
	return m->state == MEMBER_OURS && m->recorded && m->stamped &&
	       (!m->in_citus || (m->has_metadata && !m->is_stale && m->admitted));
}

/* Whether the first forming may do without it: one that answers, and is not new, may be a part of
 * another cluster, which would go on beside the new one and reach into it. */
static bool may_be_left_out(const struct plan_member *m)
{
	return !m->of_another && (m->state == MEMBER_NEW || m->state == MEMBER_UNREACHABLE ||
					 m->state == MEMBER_HANGING);
}

/* Whether it is not yet what it should be. */
static bool is_waited_for(const struct making *p, const struct plan_member *m)
{
	if (!p->cluster->id[0])
		return m->state != MEMBER_NEW && !(m->left_out && may_be_left_out(m));
	if (m->left_out && !p->cluster->formed)
		return false;
	if (m->leaving && !m->in_citus)
		return false;
	return m->state != MEMBER_OURS || (m->in_citus && (!m->has_metadata || m->is_stale));
}

static void name_waiting(struct making *p)
{
	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		if (is_waited_for(p, m))
			wait_for(p, "%s%s (%s)", p->plan->waiting_for[0] ? ", " : "", m->name,
				m->state == MEMBER_OURS ? "out of sync"
							: member_state_name(m->state));
	}
}

/* The operator has wished for something that is not done for this one. */
static void why_no_wish_counts(const struct making *p, const struct plan_member *m)
{
	if (m->left_out && !p->cluster->id[0])
		why(p, " (\"form --without\" counts only for a worker that is silent or new)");
	if (m->not_confirmed)
		why(p, " (it is of the cluster that is abandoned, and was not on the list that "
		       "was confirmed: it keeps its data until \"citus-init form --abandon\" is "
		       "given and confirmed once more)");
}

/* Every node that is waited for, and what is done about it. */
static void why_waiting(struct making *p)
{
	const char *separator = "";

	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		if (!is_waited_for(p, m))
			continue;
		if (m->state == MEMBER_OURS)
			why(p, "%s%s is out of sync: Citus brings it into sync", separator,
				m->name);
		else if (m->state == MEMBER_EMPTY && m->disabled)
			why(p,
				"%s%s is empty, and somebody disabled it: remove it from Citus by "
				"citus_remove_node(), and it joins as a new node",
				separator, m->name);
		else if ((m->state == MEMBER_EMPTY || takes_a_place(m)) &&
			 m->loss == LOSS_ONLY_COPIES && !m->loss_accepted)
			why(p,
				"%s%s is empty, and data had its only copy there: give it its "
				"volume back, or accept the loss: \"citus-init accept-loss %s\"",
				separator, m->name, m->name);
		else if (m->of_another && !p->cluster->id[0])
			why(p,
				"%s%s belongs to a cluster, and this coordinator to none: give this "
				"one its volume back",
				separator, m->name);
		else
			why(p, "%s%s is %s: %s", separator, m->name, member_state_name(m->state),
				member_state_action(m->state));
		why_no_wish_counts(p, m);
		separator = "; ";
	}
}

static bool is_silent_and_waited_for(const struct plan_member *m)
{
	return m->state != MEMBER_NEW && may_be_left_out(m) && !m->left_out;
}

/* How to form without those that are silent: names end in "-ORDINAL". The list replaces the last
 * one, so it has those too that are left out already. */
static void why_without(struct making *p)
{
	const char *separator = "";

	why(p, "; or form without those that will not come: \"citus-init form --without ");
	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		const char *dash = strrchr(m->name, '-');
		if (!may_be_left_out(m) || (m->state == MEMBER_NEW && !m->left_out))
			continue;
		why(p, "%s%s", separator, dash ? dash + 1 : m->name);
		separator = ",";
	}
	why(p, "\"");
}

static bool is_to_abandon(const struct plan_member *m)
{
	return m->state == MEMBER_FOREIGN && m->to_abandon && m->due;
}

static bool is_new_and_expected(const struct plan_member *m)
{
	return m->state == MEMBER_NEW && !m->left_out;
}

static bool is_foreign(const struct plan_member *m)
{
	return m->state == MEMBER_FOREIGN || m->of_another;
}

/*
 * One silent worker holds up the first forming, and no time-out overrides that: an empty
 * coordinator could otherwise take the first old worker that answers while the others still serve
 * the old cluster.
 */
static void plan_forming(struct making *p)
{
	bool chosen[MEMBERS_MAX] = { false };

	if (pick(p, chosen, is_to_abandon, false)) {
		take(p, PLAN_ABANDON, chosen,
			"of the abandoned cluster: told to abandon the data directory");
		return;
	}
	if (!p->plan->waiting_for[0] &&
		(p->count == 0 || pick(p, chosen, is_new_and_expected, false))) {
		p->plan->step = PLAN_MINT;
		why(p, "%s: the cluster gets its id",
			p->count ? "every worker that is waited for is new"
				 : "there is no worker to wait for");
		return;
	}
	p->plan->step = PLAN_WAIT;
	if (!p->plan->waiting_for[0]) {
		why(p, "all workers are left out: a cluster needs at least one");
		return;
	}
	why(p, "the cluster is formed once every worker is new: ");
	why_waiting(p);
	/* Where there is an old cluster, a silent worker may well be of it. */
	if (pick(p, chosen, is_foreign, false))
		why(p, "; if their coordinator's volume is lost, abandon the cluster that they "
		       "belong to: \"citus-init form --abandon ID\"");
	else if (pick(p, chosen, is_silent_and_waited_for, false) &&
		 pick(p, chosen, is_new_and_expected, false))
		why_without(p);
}

/* A worker on its way in holds up the forming; one whose registration fails does not. */
static bool can_form(const struct making *p)
{
	int ours = 0, pending = 0;

	for (int i = 0; i < p->count; i++) {
		const struct plan_member *m = &p->workers[i];
		ours += m->state == MEMBER_OURS;
		pending += (m->state == MEMBER_UNKNOWN || m->state == MEMBER_NEW ||
				   m->state == MEMBER_JOINING || m->state == MEMBER_RETURNING) &&
			   m->failures == 0 && !m->left_out && !m->leaving;
	}
	return !p->cluster->formed && !pending && (ours > 0 || p->count == 0);
}

static void plan_rest(struct making *p)
{
	int unsettled = 0;

	for (int i = 0; i < p->count; i++)
		unsettled += p->workers[i].state == MEMBER_OURS && !is_settled(&p->workers[i]);
	if (p->plan->why[0]) {
		p->plan->step = PLAN_WAIT;
		if (p->plan->waiting_for[0]) {
			why(p, "; ");
			why_waiting(p);
		}
	} else if (p->plan->waiting_for[0]) {
		p->plan->step = PLAN_WAIT;
		why_waiting(p);
	} else if (!p->cluster->formed) {
		p->plan->step = PLAN_WAIT;
		why(p, "the cluster is formed when its first worker is a member");
	} else if (unsettled) {
		p->plan->step = PLAN_WAIT;
		why(p, "a member is busy, or a change to it failed: another try follows in a "
		       "moment");
	} else {
		why(p, "all is as it should be");
	}
}

void plan_next_step(const struct cluster_facts *cluster, const struct plan_member *workers,
	int count, bool one_by_one, struct plan *plan)
{
	struct making p = { .cluster = cluster,
		.workers = workers,
		.count = count,
		.one_by_one = one_by_one,
		.plan = plan };
	bool chosen[MEMBERS_MAX] = { false };

	*plan = (struct plan){ .step = PLAN_NOTHING };
	name_waiting(&p);
	if (!cluster->id[0]) {
		plan_forming(&p);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(lone_steps); i++) {
		if (!pick(&p, chosen, lone_steps[i].is_wanted, lone_steps[i].only_one))
			continue;
		take(&p, lone_steps[i].step, chosen, lone_steps[i].reason);
		return;
	}
	if (plan_change(&p))
		return;
	if (can_form(&p)) {
		plan->why[0] = '\0';
		plan->step = PLAN_FORM;
		why(&p, "every worker that was waited for is a member: the cluster is formed");
		return;
	}
	plan_rest(&p);
}
