/* The steps of the plan: what each does, once, for the log, /status, /metrics and the docs. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum plan_step {
	PLAN_NOTHING,
	PLAN_WAIT,	 /* for what plan.why says */
	PLAN_ABANDON,	 /* tell the chosen workers to abandon their old cluster's directory */
	PLAN_MINT,	 /* make the cluster's id: every worker has answered that it is new */
	PLAN_RECOGNISE,	 /* let the chosen members take part again: each is the directory it was */
	PLAN_ADMIT,	 /* tell the chosen members that they are who they were: they may serve */
	PLAN_SHUT,	 /* tell nodes that somebody disabled or removed to serve nobody */
	PLAN_STAMP,	 /* write the intent here, then the identity on the chosen workers */
	PLAN_REGISTER,	 /* hand the chosen workers to Citus */
	PLAN_CONFIRM,	 /* remember that the chosen workers are registered, and tell them */
	PLAN_FORM,	 /* remember that the cluster has been formed */
	PLAN_ASSESS,	 /* find out what the chosen empty member has lost */
	PLAN_BRING_BACK, /* fill the chosen empty member again and put it in its old place */
	PLAN_ACTIVATE, /* sync the metadata of the chosen member that was freed while it was away */
	PLAN_ADOPT,    /* register the cluster under the addresses that this set has now */
	PLAN_FREE,     /* let the others' changes go on without the chosen dead or empty member */
	PLAN_STEP_COUNT
};

/* "nothing", "wait", "mint", ... */
const char *plan_step_name(enum plan_step step);

/* Whether the step changes something that "pause" holds up. Admitting is none: it lets a member
 * serve what it has; nor is assessing, which only looks. */
bool plan_step_is_change(enum plan_step step);

/* The table as Markdown, for docs/architecture.md. */
void plan_steps_print(FILE *out);
