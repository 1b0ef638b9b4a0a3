/* /metrics: this node and its agent. */
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/metrics_table.h"
#include "report/probes.h"
#include "version.h"

#include "base/banned.h"

static void write_build_info(struct series *s, const struct node_view *view)
{
	(void)view;
	metric_add_labelled(s, "version", VERSION, 1);
}

static void write_node_info(struct series *s, const struct node_view *view)
{
	const struct label labels[] = {
		{ "node", view->identity->name },
		{ "role", role_name(view->identity->role) },
		{ "postgres", view->version },
		{ "citus", view->citus },
	};

	metric_add(s, labels, ARRAY_LEN(labels), 1);
}

static void write_phase(struct series *s, const struct node_view *view)
{
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
		metric_add_labelled(s, "phase", phase_name(phase), view->phase == phase);
}

static void write_sql_files(struct series *s, const struct node_view *view)
{
	if (view->identity->role != ROLE_COORDINATOR)
		return;
	metric_add_labelled(s, "state", "applied", view->sql_files.applied);
	metric_add_labelled(s, "state", "waiting", view->sql_files.waiting);
	metric_add_labelled(s, "state", "failing", view->sql_files.error[0] != 0);
}

static void write_group(struct series *s, const struct node_view *view)
{
	if (view->group >= 0)
		metric_add(s, NULL, 0, view->group);
}

static void write_resident(struct series *s, const struct node_view *view)
{
	_file_ FILE *statm = fopen("/proc/self/statm", "re");
	long pages = 0;

	(void)view;
	if (statm && fscanf(statm, "%*d %ld", &pages) == 1)
		metric_add(s, NULL, 0, (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void write_cpu(struct series *s, const struct node_view *view)
{
	struct rusage used;

	(void)view;
	if (getrusage(RUSAGE_SELF, &used) == 0)
		metric_add(s, NULL, 0,
			(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
				(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static void write_wakeups(struct series *s, const struct node_view *view)
{
	struct rusage used;

	(void)view;
	if (getrusage(RUSAGE_SELF, &used) == 0)
		metric_add(s, NULL, 0, (double)used.ru_nvcsw);
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
	return view->postgres == POSTGRES_READY;
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

static const struct metric rows[] = {
	{ .name = "citus_init_build_info",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "Always 1; the version of citus-init.",
		.labels = "version",
		.write = write_build_info },
	{ .name = "citus_init_node_info",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "Always 1; who the node is and what it runs.",
		.labels = "node, role, postgres, citus",
		.write = write_node_info },
	{ .name = "citus_init_ready",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "1 when /readyz answers 200.",
		.of_node = is_ready },
	{ .name = "citus_init_started",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "1 when /startupz answers 200.",
		.of_node = is_started },
	{ .name = "citus_init_phase",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "1 for the phase that pg_hba.conf is in, 0 for the others.",
		.labels = "phase",
		.write = write_phase },
	{ .name = "citus_init_postgres_up",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "1 when postgres accepts connections.",
		.of_node = is_postgres_up },
	{ .name = "citus_init_postgres_restarts_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_MEMORY,
		.help = "Restarts of postgres in place since the container started.",
		.of_node = postgres_restarts },
	{ .name = "citus_init_agent_restarts_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_MEMORY,
		.help = "Restarts of the agent since the container started.",
		.of_node = agent_restarts },
	{ .name = "citus_init_setup_done",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "1 when roles, database and extension are as they should be.",
		.of_node = is_setup_done },
	{ .name = "citus_init_member",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "On a worker 1 when it is registered, on the coordinator 1 when the "
			"cluster is formed.",
		.of_node = is_member },
	{ .name = "citus_init_group",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "The node's Citus group; 0 is the coordinator, or a worker that is not "
			"registered. Absent while unknown.",
		.write = write_group },
	{ .name = "citus_init_sql_files",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "Coordinator: how many of the users' SQL files have been run, how many "
			"wait, and whether one that waits fails.",
		.labels = "state",
		.write = write_sql_files },
	{ .name = "citus_init_agent_uptime_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "Time since the agent started.",
		.of_node = uptime },
	{ .name = "citus_init_agent_resident_bytes",
		.type = METRIC_GAUGE,
		.source = SOURCE_KERNEL,
		.help = "Resident memory of the agent.",
		.write = write_resident },
	{ .name = "citus_init_agent_cpu_seconds_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_KERNEL,
		.help = "Processor time of the agent, user and system.",
		.write = write_cpu },
	{ .name = "citus_init_agent_wakeups_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_KERNEL,
		.help = "Times that the agent slept and was woken.",
		.write = write_wakeups },
};

const struct metric_table metrics_of_node = { rows, ARRAY_LEN(rows) };
