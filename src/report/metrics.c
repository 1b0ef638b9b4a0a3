#include "report/metrics.h"

#include "base/mem.h"
#include "report/metrics_table.h"

#include "base/banned.h"

static const struct metric_table *const tables[] = {
	&metrics_of_node,
	&metrics_of_cluster,
	&metrics_of_readings,
};

static const char *const type_names[] = {
	[METRIC_GAUGE] = "gauge",
	[METRIC_COUNTER] = "counter",
};

/* What each source costs: measured with Citus 13.2 on PostgreSQL 15, for the most that a cluster is
 * expected to have. */
static const struct {
	const char *name;
	const char *what;
	const char *when;
	const char *cost;
} sources[SOURCE_COUNT] = {
	[SOURCE_MEMORY] = { "memory", "what the agent knows anyway", "each scrape",
		"nobody is asked; a page of 100 nodes has 120 kB and takes 2 ms" },
	[SOURCE_KERNEL] = { "kernel", "`getrusage()`, `/proc/self/statm`", "each scrape",
		"some microseconds" },
	[SOURCE_LOOK] = { "look", "the looks at all nodes that membership needs", "each look",
		"nothing more; each node has a connection and deadlines of its own" },
	[SOURCE_CATALOG] = { "catalog", "`pg_dist_placement`, by its index on the group",
		"each look", "7 ms with 100,000 placements on 100 nodes" },
	[SOURCE_ACTIVITY] = { "activity", "`pg_stat_activity`, settings: shared memory",
		"each reading", "0.4 ms with 100 sessions" },
	[SOURCE_PREPARED] = { "prepared", "`pg_prepared_xacts`: shared memory", "each reading",
		"0.2 ms with 190 of them" },
	[SOURCE_POOL] = { "pool", "`citus_remote_connection_stats()`: shared memory",
		"each reading", "0.1 ms; one row for each node" },
	[SOURCE_CLEANUP] = { "cleanup", "`pg_dist_cleanup`, counted", "each reading",
		"10 ms with 100,000 records; a cluster has few" },
	[SOURCE_TASKS] = { "tasks", "`pg_dist_background_task`, by its index on the status",
		"each reading",
		"3 ms with 100,000 tasks done and 1,000 failed, 10 ms with 30,000 cancelled" },
};

/* The format's own escapes; a byte that is not ASCII would cost the whole scrape if it is not
 * UTF-8, and nothing that names a node needs one. */
static void print_label_value(FILE *out, const char *value)
{
	for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
		if (*c == '\\' || *c == '"')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else
			fputc(*c < 0x20 || *c >= 0x7f ? '?' : *c, out);
	}
}

void metric_add(struct series *s, const struct label *labels, size_t count, double value)
{
	const struct metric *m = s->metric;

	if (!s->has_samples)
		fprintf(s->out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
			type_names[m->type]);
	s->has_samples = true;
	fputs(m->name, s->out);
	for (size_t i = 0; i < count; i++) {
		fprintf(s->out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
		print_label_value(s->out, labels[i].value);
		fputc('"', s->out);
	}
	fprintf(s->out, "%s %.15g\n", count ? "}" : "", value);
}

void metric_add_labelled(struct series *s, const char *label, const char *value, double number)
{
	metric_add(s, (struct label[]){ { label, value } }, 1, number);
}

static void print_metric(const struct metric *m, const struct node_view *view, FILE *out)
{
	const struct cluster_view *cluster = view->cluster;
	struct series s = { .out = out, .metric = m };

	if (m->write)
		m->write(&s, view);
	else if (m->of_node)
		metric_add(&s, NULL, 0, m->of_node(view));
	else if (m->of_cluster && cluster)
		metric_add(&s, NULL, 0, m->of_cluster(cluster));
	else if (m->of_member && cluster)
		for (int i = 0; i < cluster->count; i++)
			metric_add_labelled(&s, "node", cluster->members[i].name,
				m->of_member(&cluster->members[i]));
}

void metrics_print(const struct node_view *view, FILE *out)
{
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			print_metric(&tables[t]->rows[i], view, out);
}

static void print_row(const struct metric *m, FILE *out)
{
	fprintf(out, "| `%s` | %s | %s | %s | %s |\n", m->name, type_names[m->type],
		m->labels ? m->labels : "", sources[m->source].name, m->help);
}

static void print_costs(FILE *out)
{
	fprintf(out,
		"\n"
		"## What they cost\n\n"
		"A scrape never waits for a server, and never asks another node, so it cannot "
		"hang with one. A *look* is made by the coordinator anyway, whether or not "
		"somebody scrapes. A *reading* is a session in this node's `citusdb`: it begins "
		"after a scrape, if the last one is at least 10 s old, takes 10 ms of processor "
		"time including its log-in, and gives up on a statement after 2 s. A scrape "
		"shows the reading that an earlier scrape began, with its age, but none older "
		"than 5 minutes; a node that nobody scrapes reads nothing.\n\n"
		"| Source | What | Asked at | Cost |\n"
		"|---|---|---|---|\n");
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		fprintf(out, "| %s | %s | %s | %s |\n", sources[i].name, sources[i].what,
			sources[i].when, sources[i].cost);
}

void metrics_print_markdown(FILE *out)
{
	fprintf(out,
		"# Metrics\n\n"
		"Every agent serves them at `/metrics`, in Prometheus' text format 0.0.4. Those "
		"that begin with \"Coordinator\" come from ordinal 0 only. This page is made "
		"from the tables in `src/report/metrics*.c`.\n\n"
		"| Metric | Type | Labels | Source | Meaning |\n"
		"|---|---|---|---|---|\n");
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			print_row(&tables[t]->rows[i], out);
	print_costs(out);
}
