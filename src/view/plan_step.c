#include "view/plan_step.h"

#include "base/mem.h"

#include "base/banned.h"

static const struct {
	const char *name;
	const char *does;
	bool is_change;
} steps[PLAN_STEP_COUNT] = {
	[PLAN_NOTHING] = { "nothing", "all is as it should be", false },
	[PLAN_WAIT] = { "wait", "nothing can be done until something else happens", false },
	[PLAN_ABANDON] = { "abandon",
		"before the cluster has an id, when the operator abandons an old cluster: tells "
		"those of its workers that were confirmed to abandon their data directories and to start again",
		true },
	[PLAN_MINT] = { "mint",
		"makes the cluster's id. Only when **every** worker of `SET_SIZE` has answered "
		"that it is new, except those that the operator left out, which must be new or "
		"silent. One that does not answer holds up the first forming for as long as it takes: an empty "
		"coordinator could otherwise take the first old worker that answers",
		true },
	[PLAN_RECOGNISE] = { "recognise",
		"remembers that members whose server has started are the directories they were; "
		"they read that, and let the cluster in; all at once",
		false },
	[PLAN_ADMIT] = { "admit",
		"tells members that have been looked at whole that they may serve, all at once",
		false },
	[PLAN_SHUT] = { "shut",
		"tells nodes that somebody disabled or removed in Citus to serve nobody, all at once",
		false },
	[PLAN_CONFIRM] = { "confirm", "remembers that workers are registered", true },
	[PLAN_ASSESS] = { "assess", "finds out what an empty member has lost", false },
	[PLAN_STAMP] = { "stamp",
		"writes the intent on the coordinator, then the cluster's id, the name and the marks "
		"of the databases on the workers; all at once",
		true },
	[PLAN_REGISTER] = { "register",
		"sets the coordinator's host, adds all inactive nodes in one statement, activates "
		"them in another. When a batch fails: one by one, each with a back-off of its own",
		true },
	[PLAN_BRING_BACK] = { "bring-back",
		"fills an empty member again, and puts it in its old place; one at a time", true },
	[PLAN_ACTIVATE] = { "activate",
		"brings the metadata of a member that Citus went on without back into sync; one "
		"at a time",
		true },
	[PLAN_ADOPT] = { "adopt",
		"when the operator has confirmed the addresses that this set has now, and nobody "
		"answers as this cluster under the old ones: writes them to `pg_dist_node` by "
		"`citus_update_node()`, all in one transaction, then to the memory",
		true },
	[PLAN_FREE] = { "free",
		"lets Citus go on without a member, when others wait for it: one that has been "
		"away for longer than the grace period, never two at a time; or an empty one "
		"that waits for its operator",
		true },
	[PLAN_FORM] = { "form", "remembers that the cluster has been formed: the coordinator opens",
		true },
};

/* The order in which they are tried, for the docs. */
static const enum plan_step step_order[PLAN_STEP_COUNT] = { PLAN_ADOPT, PLAN_ABANDON, PLAN_MINT,
	PLAN_RECOGNISE, PLAN_ADMIT, PLAN_SHUT, PLAN_CONFIRM, PLAN_ASSESS, PLAN_STAMP, PLAN_REGISTER,
	PLAN_BRING_BACK, PLAN_ACTIVATE, PLAN_FREE, PLAN_FORM, PLAN_WAIT, PLAN_NOTHING };

const char *plan_step_name(enum plan_step step)
{
	return steps[step].name;
}

bool plan_step_is_change(enum plan_step step)
{
	return steps[step].is_change;
}

void plan_steps_print(FILE *out)
{
	fprintf(out, "| Step | What it does |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(step_order); i++)
		fprintf(out, "| %s | %s |\n", steps[step_order[i]].name, steps[step_order[i]].does);
}
