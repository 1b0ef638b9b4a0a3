#include "agent/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "version.h"

#include "base/banned.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

static const char *const type_names[] = {
	[METRIC_GAUGE] = "gauge",
	[METRIC_COUNTER] = "counter",
};

struct label {
	const char *name;
	const char *value;
};

/* What a row writes its samples to: only the first one brings the heading. */
struct series {
	FILE *out;
	const struct metric *metric;
	bool has_samples;
};

/* A row is one metric; exactly one of the ways to its value is given. */
struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
	const char *labels; /* for the reference; NULL for none */
	double (*of_node)(const struct node_view *view);
	double (*of_cluster)(const struct cluster_view *cluster); /* on ordinal 0 only */
	double (*of_member)(const struct member *member);	  /* one sample a node */
	void (*write)(struct series *s, const struct node_view *view);
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

static void add_sample(struct series *s, const struct label *labels, size_t count, double value)
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

static void write_build_info(struct series *s, const struct node_view *view)
{
	(void)view;
	add_sample(s, (struct label[]){ { "version", VERSION } }, 1, 1);
}

static void write_node_info(struct series *s, const struct node_view *view)
{
	const struct label labels[] = {
		{ "node", view->identity->name },
		{ "role", role_name(view->identity->role) },
		{ "postgres", view->version },
		{ "citus", view->citus },
	};

	add_sample(s, labels, ARRAY_LEN(labels), 1);
}

static void write_phase(struct series *s, const struct node_view *view)
{
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
		add_sample(s, (struct label[]){ { "phase", phase_name(phase) } }, 1,
			view->phase == phase);
}

static void write_sql_files(struct series *s, const struct node_view *view)
{
	if (view->identity->role != ROLE_COORDINATOR)
		return;
	add_sample(s, (struct label[]){ { "state", "applied" } }, 1, view->sql_files.applied);
	add_sample(s, (struct label[]){ { "state", "waiting" } }, 1, view->sql_files.waiting);
	add_sample(s, (struct label[]){ { "state", "failing" } }, 1, view->sql_files.error[0] != 0);
}

static void write_group(struct series *s, const struct node_view *view)
{
	if (view->group >= 0)
		add_sample(s, NULL, 0, view->group);
}

static void write_members_by_state(struct series *s, const struct node_view *view)
{
	int counts[MEMBER_STATE_COUNT] = { 0 };

	if (!view->cluster)
		return;
	for (int i = 0; i < view->cluster->count; i++)
		if (view->cluster->members[i].state < MEMBER_STATE_COUNT)
			counts[view->cluster->members[i].state]++;
	for (enum member_state state = 0; state < MEMBER_STATE_COUNT; state++)
		add_sample(s, (struct label[]){ { "state", member_state_name(state) } }, 1,
			counts[state]);
}

static void write_shards(struct series *s, const struct node_view *view)
{
	for (int i = 0; view->cluster && i < view->cluster->count; i++) {
		const struct member *m = &view->cluster->members[i];
		if (m->registered && m->shards >= 0)
			add_sample(
				s, (struct label[]){ { "node", m->name } }, 1, (double)m->shards);
	}
}

/* Without a look there is no age: a sample that says 0 would be the best of all values. */
static void write_look_age(struct series *s, const struct node_view *view)
{
	if (view->cluster && view->cluster->looked_ms)
		add_sample(s, NULL, 0, (double)(clock_now_ms() - view->cluster->looked_ms) / 1000);
}

static void write_resident(struct series *s, const struct node_view *view)
{
	_file_ FILE *statm = fopen("/proc/self/statm", "re");
	long pages = 0;

	(void)view;
	if (statm && fscanf(statm, "%*d %ld", &pages) == 1)
		add_sample(s, NULL, 0, (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void write_cpu(struct series *s, const struct node_view *view)
{
	struct rusage used;

	(void)view;
	if (getrusage(RUSAGE_SELF, &used) == 0)
		add_sample(s, NULL, 0,
			(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
				(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static double is_ready(const struct node_view *view)
{
	return node_view_is_ready(view, NULL, 0);
}

static double is_started(const struct node_view *view)
{
	return node_view_is_started(view, NULL, 0);
}

static double is_postgres_up(const struct node_view *view)
{
	return view->postgres == CONTROL_POSTGRES_READY;
}

static double postgres_restarts(const struct node_view *view)
{
	return view->postgres_restarts;
}

static double agent_restarts(const struct node_view *view)
{
	return view->agent_restarts;
}

static double is_setup_done(const struct node_view *view)
{
	return view->setup == SETUP_DONE;
}

static double is_member(const struct node_view *view)
{
	return view->member;
}

static double uptime(const struct node_view *view)
{
	return (double)(clock_now_ms() - view->started_ms) / 1000;
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

static double member_failures(const struct member *member)
{
	return member->failures;
}

static const struct metric metrics[] = {
	{ .name = "citus_init_build_info",
		.type = METRIC_GAUGE,
		.help = "Always 1; the version of citus-init.",
		.labels = "version",
		.write = write_build_info },
	{ .name = "citus_init_node_info",
		.type = METRIC_GAUGE,
		.help = "Always 1; who the node is and what it runs.",
		.labels = "node, role, postgres, citus",
		.write = write_node_info },
	{ .name = "citus_init_ready",
		.type = METRIC_GAUGE,
		.help = "1 when /readyz answers 200.",
		.of_node = is_ready },
	{ .name = "citus_init_started",
		.type = METRIC_GAUGE,
		.help = "1 when /startupz answers 200.",
		.of_node = is_started },
	{ .name = "citus_init_phase",
		.type = METRIC_GAUGE,
		.help = "1 for the phase that pg_hba.conf is in, 0 for the others.",
		.labels = "phase",
		.write = write_phase },
	{ .name = "citus_init_postgres_up",
		.type = METRIC_GAUGE,
		.help = "1 when postgres accepts connections.",
		.of_node = is_postgres_up },
	{ .name = "citus_init_postgres_restarts_total",
		.type = METRIC_COUNTER,
		.help = "Restarts of postgres in place since the container started.",
		.of_node = postgres_restarts },
	{ .name = "citus_init_agent_restarts_total",
		.type = METRIC_COUNTER,
		.help = "Restarts of the agent since the container started.",
		.of_node = agent_restarts },
	{ .name = "citus_init_setup_done",
		.type = METRIC_GAUGE,
		.help = "1 when roles, database and extension are as they should be.",
		.of_node = is_setup_done },
	{ .name = "citus_init_member",
		.type = METRIC_GAUGE,
		.help = "On a worker 1 when it is registered, on the coordinator 1 when the "
			"cluster is formed.",
		.of_node = is_member },
	{ .name = "citus_init_group",
		.type = METRIC_GAUGE,
		.help = "The node's Citus group; 0 is the coordinator, or a worker that is not "
			"registered. Absent while unknown.",
		.write = write_group },
	{ .name = "citus_init_sql_files",
		.type = METRIC_GAUGE,
		.help = "Coordinator: the users' SQL files that have been run, that wait to be "
			"run, and whether one of the waiting fails.",
		.labels = "state",
		.write = write_sql_files },
	{ .name = "citus_init_agent_uptime_seconds",
		.type = METRIC_GAUGE,
		.help = "Time since the agent started.",
		.of_node = uptime },
	{ .name = "citus_init_agent_resident_bytes",
		.type = METRIC_GAUGE,
		.help = "Resident memory of the agent.",
		.write = write_resident },
	{ .name = "citus_init_agent_cpu_seconds_total",
		.type = METRIC_COUNTER,
		.help = "Processor time of the agent, user and system.",
		.write = write_cpu },
	{ .name = "citus_init_cluster_formed",
		.type = METRIC_GAUGE,
		.help = "Coordinator: 1 when the cluster has been formed.",
		.of_cluster = cluster_formed },
	{ .name = "citus_init_members",
		.type = METRIC_GAUGE,
		.help = "Coordinator: nodes in each state, the coordinator included.",
		.labels = "state",
		.write = write_members_by_state },
	{ .name = "citus_init_member_reachable",
		.type = METRIC_GAUGE,
		.help = "Coordinator: 1 when the node answered the last look.",
		.labels = "node",
		.of_member = member_reachable },
	{ .name = "citus_init_member_registered",
		.type = METRIC_GAUGE,
		.help = "Coordinator: 1 when the node is registered and active in Citus.",
		.labels = "node",
		.of_member = member_registered },
	{ .name = "citus_init_member_shards",
		.type = METRIC_GAUGE,
		.help = "Coordinator: shard placements on the node. Absent while it is not "
			"registered.",
		.labels = "node",
		.write = write_shards },
	{ .name = "citus_init_member_failures",
		.type = METRIC_GAUGE,
		.help = "Coordinator: looks and registrations of the node that failed in a row.",
		.labels = "node",
		.of_member = member_failures },
	{ .name = "citus_init_last_look_age_seconds",
		.type = METRIC_GAUGE,
		.help = "Coordinator: time since all nodes were last looked at. Absent before the "
			"first look.",
		.write = write_look_age },
	{ .name = "citus_init_looks_total",
		.type = METRIC_COUNTER,
		.help = "Coordinator: looks at all nodes since the agent started.",
		.of_cluster = cluster_looks },
	{ .name = "citus_init_registrations_total",
		.type = METRIC_COUNTER,
		.help = "Coordinator: nodes registered since the agent started.",
		.of_cluster = cluster_registrations },
	{ .name = "citus_init_registration_failures_total",
		.type = METRIC_COUNTER,
		.help = "Coordinator: registrations that failed since the agent started.",
		.of_cluster = cluster_registration_failures },
};

static void print_metric(const struct metric *m, const struct node_view *view, FILE *out)
{
	const struct cluster_view *cluster = view->cluster;
	struct series s = { .out = out, .metric = m };

	if (m->write)
		m->write(&s, view);
	else if (m->of_node)
		add_sample(&s, NULL, 0, m->of_node(view));
	else if (m->of_cluster && cluster)
		add_sample(&s, NULL, 0, m->of_cluster(cluster));
	else if (m->of_member && cluster)
		for (int i = 0; i < cluster->count; i++)
			add_sample(&s, (struct label[]){ { "node", cluster->members[i].name } }, 1,
				m->of_member(&cluster->members[i]));
}

void metrics_print(const struct node_view *view, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		print_metric(&metrics[i], view, out);
}

void metrics_print_markdown(FILE *out)
{
	fprintf(out, "# Metrics\n\n"
		     "Every agent serves them at `/metrics`, in Prometheus' text format 0.0.4. "
		     "Those of the coordinator come from ordinal 0 only. This page is made from "
		     "the table in `src/agent/metrics.c`.\n\n"
		     "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		fprintf(out, "| `%s` | %s | %s | %s |\n", metrics[i].name,
			type_names[metrics[i].type], metrics[i].labels ? metrics[i].labels : "",
			metrics[i].help);
}
