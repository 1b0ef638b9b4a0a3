/* What a step of the plan reports when it has ended. */
#pragma once

#include "base/err.h"
#include "cluster/cluster.h"

enum step_outcome {
	STEP_DONE,	   /* another round sees at once what it did */
	STEP_WRITTEN,	   /* to workers, which are looked at: their looks begin the next round */
	STEP_REGISTERED,   /* all chosen workers, likewise */
	STEP_FAILED,	   /* failure says why */
	STEP_BATCH_FAILED, /* the same, and any of the chosen workers may be at fault */
};

struct step_report {
	enum step_outcome outcome;
	/* Who was changed, or failed to be; NULL when it was none in particular. */
	struct worker *worker;
	/* Borrowed, NULL unless it failed. A worker's has been logged. */
	const struct err *failure;
};

typedef void (*step_ended_fn)(void *ctx, const struct step_report *report);
