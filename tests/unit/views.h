/* A view made by hand: the coordinator of three nodes, formed, citus-2 not reachable. */
#pragma once

#include <stdio.h>

#include "base/clock.h"
#include "report/status.h"
#include "view/view.h"

struct views {
	struct identity identity;
	struct member members[3];
	struct cluster_view cluster;
	struct node_view node; /* points into the others */
};

/* The coordinator and citus-1 are well, citus-2 is away. */
static inline void views_make_members(struct views *v, int64_t now_ms)
{
	for (int i = 0; i < 3; i++) {
		v->members[i] = (struct member){ .ordinal = i,
			.state = MEMBER_OURS,
			.reachable = true,
			.registered = true,
			.active = i != 2,
			.group = i,
			.shards = i == 0 ? 0 : 16,
			.version = "15.20",
			.citus = "13.2-1",
			.last_seen_ms = now_ms - 2000 };
		snprintf(v->members[i].name, sizeof(v->members[i].name), "citus-%d", i);
		snprintf(v->members[i].host, sizeof(v->members[i].host), "citus-%d.citus", i);
	}
	v->members[2].state = MEMBER_UNREACHABLE;
	v->members[2].reachable = false;
	v->members[2].last_seen_ms = now_ms - 35 * 1000;
	v->members[2].away_since_s = 1772373731; /* 2026-03-01T14:02:11Z */
	snprintf(v->members[2].reason, sizeof(v->members[2].reason),
		"could not connect: Connection refused");
}

static inline void views_make(struct views *v)
{
	int64_t now_ms = clock_now_ms();

	*v = (struct views){
		.identity = { .group = (char *)"citus",
			.name = (char *)"citus-0",
			.host = (char *)"citus-0.citus",
			.size = 3,
			.port = 5432 },
		.cluster = { .id = "4c1c0b8e-0000-4000-8000-000000000001",
			.formed = true,
			.waiting_for = "citus-2 (unreachable)",
			.step = "wait",
			.why = "waiting for citus-2 (unreachable)",
			.looked_ms = now_ms - 2000,
			.looks = 7,
			.registrations = 2,
			.registration_failures = 5,
			.members = v->members,
			.count = 3 },
		.node = { .identity = &v->identity,
			.size = 3,
			.started_ms = now_ms - 60 * 1000,
			.postgres = POSTGRES_READY,
			.postgres_pid = 42,
			.postgres_was_ready = true,
			.phase = PHASE_OPEN,
			.setup = SETUP_DONE,
			.member = true,
			.version = "15.20",
			.citus = "13.2-1",
			.readings = { .reads = 3,
				.failures = 1,
				.took_ms = 12,
				.last = { .read_ms = now_ms - 15 * 1000,
					.connections = { 40, 12, 3 },
					.limits = { { "max_connections", 100 },
						{ "citus.max_shared_pool_size", 90 } },
					.limit_count = 2,
					.prepared = { { 2, 3600 }, { 0, 0 } },
					.pool_connections = 20,
					.pool_busiest = 16,
					.daemon_is_up = true,
					.cleanups = 0,
					.tasks = { { "running", 1 }, { "error", 0 } },
					.task_count = 2 } },
			.cluster = &v->cluster },
	};
	views_make_members(v, now_ms);
}

/* /status of such a view after make() has changed it; NULL changes nothing. The caller's. */
static inline json_t *views_status(void (*make)(struct views *v))
{
	struct views v;

	views_make(&v);
	if (make)
		make(&v);
	return status_of(&v.node);
}

static inline void views_be_of_a_worker(struct views *v)
{
	v->node.cluster = NULL;
}
