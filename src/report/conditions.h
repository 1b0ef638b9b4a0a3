/*
 * What is not as it should be, in sentences: what is wrong, since when, what is
 * blocked by it, and what to do. A pure function of the view; /status shows the
 * list, and "citus-init status" prints it and takes its exit code from it.
 */
#pragma once

#include <stdint.h>

#include "view/view.h"

enum severity {
	SEVERITY_INFO,	   /* it passes by itself, or somebody wanted it so */
	SEVERITY_WARNING,  /* somebody should look; the cluster serves */
	SEVERITY_CRITICAL, /* something that was served is not, or data is missing */
};

struct condition {
	enum severity severity;
	char node[80]; /* whom it is about; "" for the cluster */
	char *text;    /* one line, owned */
};

struct conditions {
	struct condition *items; /* the gravest first, then by ordinal */
	int count;
};

/* now_ms is clock_now_ms(), now_s the wall clock's time, by which "14:02" is of today or not. The
 * caller gives the list back with conditions_free(). */
void conditions_of(
	const struct node_view *view, int64_t now_ms, int64_t now_s, struct conditions *list);
void conditions_free(struct conditions *list);

/* "info", "warning", "critical". */
const char *severity_name(enum severity severity);
