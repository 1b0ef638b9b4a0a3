/* /metrics: the readings of this node's server (readings.c). */
#include "base/clock.h"
#include "base/mem.h"
#include "report/metrics_table.h"

#include "base/banned.h"

/* Older readings say nothing about now; Prometheus too drops a series after this time. */
enum { STALE_MS = 5 * 60 * 1000 };

static const char *const connections_of[] = {
	[CONNECTIONS_CLIENTS] = "clients",
	[CONNECTIONS_CITUS] = "citus",
	[CONNECTIONS_AGENTS] = "citus-init",
};
_Static_assert(ARRAY_LEN(connections_of) == CONNECTIONS_OF_COUNT, "each owner has a name");

static const char *const prepared_by[] = {
	[PREPARED_BY_CITUS] = "citus",
	[PREPARED_BY_OTHERS] = "others",
};
_Static_assert(ARRAY_LEN(prepared_by) == PREPARED_OWNERS, "each owner has a name");

/* NULL when there are none that are recent. */
static const struct readings *current(const struct node_view *view)
{
	const struct readings *r = &view->readings.last;

	return r->read_ms && clock_now_ms() - r->read_ms < STALE_MS ? r : NULL;
}

static void write_age(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	if (r)
		metric_add(s, NULL, 0, (double)(clock_now_ms() - r->read_ms) / 1000);
}

static void write_duration(struct series *s, const struct node_view *view)
{
	if (view->readings.reads)
		metric_add(s, NULL, 0, (double)view->readings.took_ms / 1000);
}

static double readings_total(const struct node_view *view)
{
	return view->readings.reads;
}

static double readings_failures(const struct node_view *view)
{
	return view->readings.failures;
}

static void write_connections(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	for (int i = 0; r && i < CONNECTIONS_OF_COUNT; i++)
		metric_add_labelled(s, "of", connections_of[i], (double)r->connections[i]);
}

static void write_limits(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	for (int i = 0; r && i < r->limit_count; i++)
		metric_add_labelled(s, "setting", r->limits[i].name, (double)r->limits[i].count);
}

static void write_pool(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	if (r && r->pool_connections >= 0)
		metric_add(s, NULL, 0, (double)r->pool_connections);
}

static void write_pool_busiest(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	if (r && r->pool_busiest >= 0)
		metric_add(s, NULL, 0, (double)r->pool_busiest);
}

static void write_prepared(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	for (int i = 0; r && i < PREPARED_OWNERS; i++)
		metric_add_labelled(s, "by", prepared_by[i], (double)r->prepared[i].count);
}

static void write_prepared_age(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	for (int i = 0; r && i < PREPARED_OWNERS; i++)
		metric_add_labelled(s, "by", prepared_by[i], (double)r->prepared[i].oldest_s);
}

static void write_daemon(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	if (r)
		metric_add(s, NULL, 0, r->daemon_is_up);
}

static void write_cleanups(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	if (r && r->cleanups >= 0)
		metric_add(s, NULL, 0, (double)r->cleanups);
}

static void write_tasks(struct series *s, const struct node_view *view)
{
	const struct readings *r = current(view);

	for (int i = 0; r && i < r->task_count; i++)
		metric_add_labelled(s, "status", r->tasks[i].name, (double)r->tasks[i].count);
}

static const struct metric rows[] = {
	{ .name = "citus_init_readings_age_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "Age of the readings of the server that the metrics below show.",
		.write = write_age },
	{ .name = "citus_init_readings_duration_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_MEMORY,
		.help = "How long the last reading took, including its log-in.",
		.write = write_duration },
	{ .name = "citus_init_readings_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_MEMORY,
		.help = "Readings since the agent started.",
		.of_node = readings_total },
	{ .name = "citus_init_readings_failures_total",
		.type = METRIC_COUNTER,
		.source = SOURCE_MEMORY,
		.help = "Readings that failed since the agent started.",
		.of_node = readings_failures },
	{ .name = "citus_init_connections",
		.type = METRIC_GAUGE,
		.source = SOURCE_ACTIVITY,
		.help = "Connections that the node serves: of clients, of Citus on any node, of "
			"citus-init. Together they count against max_connections.",
		.labels = "of",
		.write = write_connections },
	{ .name = "citus_init_limit",
		.type = METRIC_GAUGE,
		.source = SOURCE_ACTIVITY,
		.help = "The settings that limit connections and prepared transactions. Absent "
			"where a setting is unknown or sets no limit.",
		.labels = "setting",
		.write = write_limits },
	{ .name = "citus_init_pool_connections",
		.type = METRIC_GAUGE,
		.source = SOURCE_POOL,
		.help = "Connections that Citus on this node has open to all nodes.",
		.write = write_pool },
	{ .name = "citus_init_pool_busiest_connections",
		.type = METRIC_GAUGE,
		.source = SOURCE_POOL,
		.help = "The largest number of them to one node; citus.max_shared_pool_size "
			"limits it.",
		.write = write_pool_busiest },
	{ .name = "citus_init_prepared_transactions",
		.type = METRIC_GAUGE,
		.source = SOURCE_PREPARED,
		.help = "Prepared transactions on the node: of Citus, and of others. Those of "
			"Citus end within moments, or are recovered within minutes.",
		.labels = "by",
		.write = write_prepared },
	{ .name = "citus_init_prepared_transaction_oldest_seconds",
		.type = METRIC_GAUGE,
		.source = SOURCE_PREPARED,
		.help = "The age of the oldest one; 0 when there is none. One that was left "
			"behind keeps its locks, and keeps VACUUM from cleaning up.",
		.labels = "by",
		.write = write_prepared_age },
	{ .name = "citus_init_maintenance_daemon_up",
		.type = METRIC_GAUGE,
		.source = SOURCE_ACTIVITY,
		.help = "1 when Citus' maintenance daemon for citusdb runs; it recovers "
			"prepared transactions and cleans up.",
		.write = write_daemon },
	{ .name = "citus_init_cleanup_records",
		.type = METRIC_GAUGE,
		.source = SOURCE_CLEANUP,
		.help = "Coordinator: how much is still to be removed after moves and splits of "
			"shards.",
		.write = write_cleanups },
	{ .name = "citus_init_background_tasks",
		.type = METRIC_GAUGE,
		.source = SOURCE_TASKS,
		.help = "Coordinator: Citus' background tasks, such as moves of a rebalance, that "
			"have not ended well.",
		.labels = "status",
		.write = write_tasks },
};

const struct metric_table metrics_of_readings = { rows, ARRAY_LEN(rows) };
