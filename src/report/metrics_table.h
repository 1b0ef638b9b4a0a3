/*
 * The rows that /metrics and its reference are made of. Each part of the view
 * has its table, in a file of its own; metrics.c prints them in their order.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "view/view.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

/* Where a value comes from; the table in metrics.c says what that costs. */
enum metric_source {
	SOURCE_MEMORY,
	SOURCE_KERNEL,
	SOURCE_LOOK,
	SOURCE_CATALOG,
	SOURCE_ACTIVITY,
	SOURCE_PREPARED,
	SOURCE_POOL,
	SOURCE_CLEANUP,
	SOURCE_TASKS,
	SOURCE_COUNT
};

struct label {
	const char *name;
	const char *value;
};

struct series;

/* A row is one metric; exactly one of the ways to its value is given. */
struct metric {
	const char *name;
	enum metric_type type;
	enum metric_source source;
	const char *help;
	const char *labels; /* for the reference; NULL for none */
	double (*of_node)(const struct node_view *view);
	double (*of_cluster)(const struct cluster_view *cluster); /* on ordinal 0 only */
	double (*of_member)(const struct member *member);	  /* one sample a node */
	void (*write)(struct series *s, const struct node_view *view);
};

struct metric_table {
	const struct metric *rows;
	size_t count;
};

/* This node and its agent; the cluster, by ordinal 0; the readings of this node's server. */
extern const struct metric_table metrics_of_node, metrics_of_cluster, metrics_of_readings;

/* What a row writes its samples to: only the first one brings the heading. */
struct series {
	FILE *out;
	const struct metric *metric;
	bool has_samples;
};

void metric_add(struct series *s, const struct label *labels, size_t count, double value);

/* With one label. */
void metric_add_labelled(struct series *s, const char *label, const char *value, double number);
