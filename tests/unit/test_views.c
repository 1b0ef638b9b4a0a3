/*
 * What the agent tells of itself: the probes' reasons, the JSON of /status and
 * the text of /metrics, each from views made by hand.
 */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/metrics.h"
#include "report/probes.h"
#include "report/status.h"
#include "view/view.h"
#include "views.h"

/* Probes */

static const struct probe_case {
	const char *name;
	enum role role;
	struct node_view view;
	const char *waiting_for;
	const char *startup_reason; /* NULL: 200 */
	const char *ready_reason;   /* NULL: 200 */
} probe_cases[] = {
	{ "a worker that serves", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.postgres_was_ready = true,
			.setup = SETUP_DONE,
			.group = 3,
			.member = true,
			.phase = PHASE_OPEN },
		.waiting_for = NULL },
	{ "a coordinator that serves", ROLE_COORDINATOR,
		{ .postgres = POSTGRES_READY,
			.postgres_was_ready = true,
			.setup = SETUP_DONE,
			.member = true,
			.phase = PHASE_OPEN },
		.waiting_for = NULL },
	{ "a formed coordinator serves though a worker is down", ROLE_COORDINATOR,
		{ .postgres = POSTGRES_READY,
			.postgres_was_ready = true,
			.setup = SETUP_DONE,
			.member = true,
			.phase = PHASE_OPEN },
		.waiting_for = "citus-2 (unreachable)" },
	{ "recovery", ROLE_WORKER, { .postgres = POSTGRES_STARTING, .group = -1 },
		.startup_reason = "postgres is starting: recovery or start-up not finished",
		.ready_reason = "postgres is starting: recovery or start-up not finished" },
	{ "a crash and the restart after it", ROLE_WORKER,
		{ .postgres = POSTGRES_STARTING,
			.postgres_was_ready = true,
			.postgres_restarts = 2,
			.setup = SETUP_DONE,
			.group = 3,
			.member = true,
			.phase = PHASE_OPEN },
		.startup_reason =
			"postgres is starting: recovery or start-up not finished, restart 2",
		.ready_reason =
			"postgres is starting: recovery or start-up not finished, restart 2" },
	{ "down", ROLE_WORKER, { .postgres_restarts = 1 },
		.startup_reason = "postgres is down, restart 1",
		.ready_reason = "postgres is down, restart 1" },
	{ "stopping", ROLE_WORKER, { .postgres = POSTGRES_STOPPING, .postgres_was_ready = true },
		.ready_reason = "postgres is stopping" },
	{ "stopping before it was ready", ROLE_WORKER, { .postgres = POSTGRES_STOPPING },
		.startup_reason = "postgres is stopping", .ready_reason = "postgres is stopping" },
	{ "set-up waits", ROLE_WORKER, { .postgres = POSTGRES_READY, .postgres_was_ready = true },
		.ready_reason = "local set-up has not begun" },
	{ "set-up runs", ROLE_WORKER,
		{ .postgres = POSTGRES_READY, .postgres_was_ready = true, .setup = SETUP_RUNNING },
		.ready_reason = "local set-up is running" },
	{ "set-up runs again", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.postgres_was_ready = true,
			.setup = SETUP_RUNNING,
			.setup_error = "could not connect" },
		.ready_reason = "local set-up is running again, it failed: could not connect" },
	{ "set-up failed, with a message of two lines", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.postgres_was_ready = true,
			.setup = SETUP_FAILED,
			.setup_error = "could not create extension \"citus\": no file\nHINT: x" },
		.ready_reason = "local set-up failed: could not create extension \"citus\": no "
				"file HINT: x" },
	{ "an unknown group", ROLE_WORKER,
		{ .postgres = POSTGRES_READY, .setup = SETUP_DONE, .group = -1 },
		.ready_reason = "not known yet whether this node is registered" },
	{ "a worker that nobody registered", ROLE_WORKER,
		{ .postgres = POSTGRES_READY, .setup = SETUP_DONE, .phase = PHASE_CLUSTER },
		.ready_reason = "waiting for the coordinator to register this node" },
	{ "disabled by hand", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.setup = SETUP_DONE,
			.group = 3,
			.shut = MEMBER_DISABLED,
			.phase = PHASE_CLUSTER },
		.ready_reason =
			"this node is disabled: somebody disabled it in Citus, and it serves nobody "
			"until it is activated: \"select citus_activate_node('n.citus', 5432)\" in "
			"citusdb on the coordinator" },
	{ "removed by hand", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.setup = SETUP_DONE,
			.group = 3,
			.shut = MEMBER_REMOVED,
			.phase = PHASE_CLUSTER },
		.ready_reason = "this node is removed: somebody removed it from Citus: it serves "
				"nobody, and is not touched; give it an empty volume, and it joins "
				"as a new node" },
	{ "registered, and not open yet", ROLE_WORKER,
		{ .postgres = POSTGRES_READY,
			.setup = SETUP_DONE,
			.group = 3,
			.member = true,
			.phase = PHASE_CLUSTER },
		.ready_reason = "not open yet: pg_hba.conf admits only the cluster's nodes "
				"(phase cluster)" },
	{ "not formed, and nobody to wait for", ROLE_COORDINATOR,
		{ .postgres = POSTGRES_READY, .setup = SETUP_DONE },
		.ready_reason = "the cluster is not formed" },
	{ "not formed for want of one", ROLE_COORDINATOR,
		{ .postgres = POSTGRES_READY, .setup = SETUP_DONE },
		.waiting_for = "citus-2 (unreachable)",
		.ready_reason = "the cluster is not formed: waiting for citus-2 (unreachable)" },
	{ "formed, and not open yet", ROLE_COORDINATOR,
		{ .postgres = POSTGRES_READY,
			.setup = SETUP_DONE,
			.member = true,
			.phase = PHASE_LOCAL },
		.ready_reason = "not open yet: pg_hba.conf admits only local sessions (phase "
				"local)" },
};

START_TEST(probes)
{
	const struct probe_case *c = &probe_cases[_i];
	const struct identity id = {
		.name = (char *)"n", .host = (char *)"n.citus", .port = 5432, .role = c->role
	};
	struct member own = { 0 };
	struct cluster_view cluster = { .members = &own, .count = 1 };
	struct node_view view = c->view;
	char reason[NODE_REASON_MAX];

	view.identity = &id;
	if (c->role == ROLE_COORDINATOR)
		view.cluster = &cluster;
	snprintf(cluster.waiting_for, sizeof(cluster.waiting_for), "%s",
		c->waiting_for ? c->waiting_for : "");

	ck_assert_msg(node_view_is_ready(&view, reason, sizeof(reason)) == !c->ready_reason,
		"%s: ready or not: \"%s\"", c->name, reason);
	ck_assert_str_eq(reason, c->ready_reason ? c->ready_reason : "");
	ck_assert_int_eq(node_view_is_ready(&view, NULL, 0), !c->ready_reason);
	/* postgres_was_ready is left out of the cases that are about something else. */
	view.postgres_was_ready |= view.postgres == POSTGRES_READY;
	ck_assert_msg(node_view_is_started(&view, reason, sizeof(reason)) == !c->startup_reason,
		"%s: started or not: \"%s\"", c->name, reason);
	ck_assert_str_eq(reason, c->startup_reason ? c->startup_reason : "");
}
END_TEST

/* Status */

START_TEST(status_of_a_coordinator)
{
	struct views v;
	views_make(&v);

	json_t *status = status_of(&v.node);
	const char *name, *state, *reason, *id, *role, *waiting_for;
	int ready, formed, size, reachable, shards, seen, group;
	json_t *members, *postgres;
	json_error_t why;

	int failed = json_unpack_ex(status, &why, 0, "{s{ss sb ss si so} s{ss sb ss si so}}",
		"node", "name", &name, "ready", &ready, "role", &role, "group", &group, "postgres",
		&postgres, "cluster", "id", &id, "formed", &formed, "waiting_for", &waiting_for,
		"size", &size, "members", &members);
	ck_assert_msg(failed == 0, "%s", why.text);
	ck_assert_str_eq(name, "citus-0");
	ck_assert_str_eq(role, "coordinator");
	ck_assert_int_eq(ready, 1);
	ck_assert_int_eq(group, 0);
	ck_assert_str_eq(id, v.cluster.id);
	ck_assert_int_eq(formed, 1);
	ck_assert_int_eq(size, 3);
	ck_assert_str_eq(waiting_for, "citus-2 (unreachable)");
	ck_assert_str_eq(json_string_value(json_object_get(postgres, "state")), "ready");
	ck_assert_int_eq(json_array_size(members), 3);

	failed = json_unpack_ex(json_array_get(members, 2), &why, 0, "{ss ss ss sb si si}", "name",
		&name, "state", &state, "reason", &reason, "reachable", &reachable, "shards",
		&shards, "last_seen_seconds_ago", &seen);
	ck_assert_msg(failed == 0, "%s", why.text);
	ck_assert_str_eq(name, "citus-2");
	ck_assert_str_eq(state, "unreachable");
	ck_assert_str_eq(reason, "could not connect: Connection refused");
	ck_assert_int_eq(reachable, 0);
	ck_assert_int_eq(shards, 16);
	ck_assert_int_ge(seen, 35);
	ck_assert_int_le(seen, 36);
	json_decref(status);
}
END_TEST

static const char *word(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

START_TEST(status_tells_what_is_planned_and_what_is_wrong)
{
	struct views v;
	views_make(&v);
	snprintf(v.cluster.chosen, sizeof(v.cluster.chosen), "citus-2");
	v.cluster.paused_by = "wish";

	json_t *status = status_of(&v.node);
	const json_t *cluster = json_object_get(status, "cluster");
	const json_t *plan = json_object_get(cluster, "plan");
	ck_assert_str_eq(word(plan, "step"), "wait");
	ck_assert_str_eq(word(plan, "why"), "waiting for citus-2 (unreachable)");
	ck_assert_str_eq(word(plan, "chosen"), "citus-2");
	ck_assert_str_eq(word(cluster, "paused_by"), "wish");

	const json_t *conditions = json_object_get(status, "conditions");
	ck_assert_uint_eq(json_array_size(conditions), 2);
	const json_t *condition = json_array_get(conditions, 0);
	ck_assert_str_eq(word(condition, "severity"), "critical");
	ck_assert_str_eq(word(condition, "node"), "citus-2");
	ck_assert_ptr_nonnull(strstr(word(condition, "text"), "citus-2 is down since"));
	ck_assert(json_is_null(json_object_get(json_array_get(conditions, 1), "node")));
	json_decref(status);
}
END_TEST

START_TEST(status_of_a_member_that_was_wiped)
{
	struct views v;
	views_make(&v);
	v.members[1].state = MEMBER_EMPTY;
	v.members[1].loss_accepted = true;
	snprintf(v.members[1].loss, sizeof(v.members[1].loss), "12 shards");
	snprintf(v.members[1].loss_token, sizeof(v.members[1].loss_token), "0123456789abcdef");
	snprintf(v.members[1].cluster_id, sizeof(v.members[1].cluster_id), "%s", v.cluster.id);
	v.members[2].freed = true;

	json_t *status = status_of(&v.node);
	const json_t *members = json_object_get(json_object_get(status, "cluster"), "members");
	const json_t *wiped = json_array_get(members, 1), *away = json_array_get(members, 2);
	ck_assert_str_eq(word(wiped, "loss"), "12 shards");
	ck_assert_str_eq(word(wiped, "loss_token"), "0123456789abcdef");
	ck_assert_str_eq(word(wiped, "cluster_id"), v.cluster.id);
	ck_assert(json_is_true(json_object_get(wiped, "loss_accepted")));
	ck_assert(json_is_true(json_object_get(wiped, "active")));
	ck_assert(json_is_null(json_object_get(wiped, "away_since")));
	ck_assert_str_eq(word(away, "away_since"), "2026-03-01T14:02:11Z");
	ck_assert(json_is_true(json_object_get(away, "freed")));
	ck_assert(json_is_false(json_object_get(away, "active")));
	ck_assert(json_is_null(json_object_get(away, "loss")));
	json_decref(status);
}
END_TEST

START_TEST(status_says_null_for_what_is_not_known)
{
	const struct identity id = {
		.name = (char *)"citus-1", .host = (char *)"h", .ordinal = 1, .role = ROLE_WORKER
	};
	const struct node_view view = { .identity = &id, .group = -1 };

	json_t *status = status_of(&view);
	json_t *node = json_object_get(status, "node");
	ck_assert(json_is_null(json_object_get(status, "cluster")));
	ck_assert(json_is_null(json_object_get(node, "group")));
	ck_assert(json_is_null(json_object_get(node, "citus")));
	ck_assert(json_is_null(json_object_get(node, "cluster_id")));
	ck_assert(json_is_null(json_object_get(json_object_get(node, "postgres"), "pid")));
	ck_assert(json_is_null(json_object_get(json_object_get(node, "setup"), "error")));
	ck_assert(json_is_null(json_object_get(node, "abandoned")));
	ck_assert(json_is_false(json_object_get(node, "admitted")));
	ck_assert_uint_eq(json_array_size(json_object_get(status, "conditions")), 0);
	ck_assert(json_is_false(json_object_get(node, "ready")));
	json_decref(status);

	struct views v;
	views_make(&v);
	v.members[1] = (struct member){ .ordinal = 1, .group = -1 };
	status = status_of(&v.node);
	json_t *member =
		json_array_get(json_object_get(json_object_get(status, "cluster"), "members"), 1);
	ck_assert(json_is_null(json_object_get(member, "reachable")));
	ck_assert(json_is_null(json_object_get(member, "shards")));
	ck_assert(json_is_null(json_object_get(member, "last_seen_seconds_ago")));
	json_decref(status);
}
END_TEST

/* A server whose messages are LATIN1, and a message cut within a character. */
START_TEST(status_survives_text_that_is_not_utf8)
{
	struct views v;
	views_make(&v);

	v.node.setup = SETUP_FAILED;
	snprintf(v.node.setup_error, sizeof(v.node.setup_error),
		"Rolle \xbb"
		"admin\xab fehlt");
	json_t *status = status_of(&v.node);
	json_t *node = json_object_get(status, "node");
	const char *error =
		json_string_value(json_object_get(json_object_get(node, "setup"), "error"));
	ck_assert_str_eq(error, "Rolle ?admin? fehlt");
	ck_assert_str_eq(json_string_value(json_object_get(node, "reason")),
		"local set-up failed: Rolle ?admin? fehlt");
	json_decref(status);
}
END_TEST

/* Metrics: a small checker of the text format 0.0.4 */

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)s[0]))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
		n++;
	return n;
}

/* Past "{a="x",b="y"}"; NULL when it is not that. */
static const char *skip_labels(const char *s)
{
	do {
		s++; /* "{" or "," */
		size_t n = name_length(s);
		if (n == 0 || strncmp(s + n, "=\"", 2) != 0)
			return NULL;
		for (s += n + 2; *s != '"'; s++) {
			if (*s == '\\' && !strchr("\\\"n", *++s))
				return NULL;
			if (!*s)
				return NULL;
		}
		s++;
	} while (*s == ',');
	return *s == '}' ? s + 1 : NULL;
}

struct exposition {
	char metric[80]; /* of the last # TYPE */
	char type[16];
	int metrics;
	int samples; /* of the last metric */
};

static void check_comment(struct exposition *x, const char *line, const char *text)
{
	char keyword[8], name[80], type[16] = "";

	ck_assert_msg(sscanf(line, "# %7s %79s %15s", keyword, name, type) == 3, "%s", line);
	if (strcmp(keyword, "HELP") == 0) {
		ck_assert_msg(x->metrics == 0 || x->samples > 0, "no sample of %s", x->metric);
		_free_ char *heading = xasprintf("# HELP %s ", name);
		ck_assert_msg(!strstr(strstr(text, heading) + 1, heading), "%s twice", name);
		snprintf(x->metric, sizeof(x->metric), "%s", name);
		return;
	}
	ck_assert_str_eq(keyword, "TYPE");
	ck_assert_str_eq(name, x->metric);
	ck_assert_msg(!strcmp(type, "gauge") || !strcmp(type, "counter"), "%s", line);
	size_t length = strlen(name);
	bool is_total = length > 6 && strcmp(name + length - 6, "_total") == 0;
	ck_assert_msg(is_total == !strcmp(type, "counter"), "%s", line);
	x->samples = 0;
	x->metrics++;
}

static void check_sample(struct exposition *x, const char *line)
{
	size_t n = name_length(line);
	const char *value = line + n;
	char *end;

	ck_assert_msg(n == strlen(x->metric) && strncmp(line, x->metric, n) == 0,
		"a sample outside of its metric: %s", line);
	if (*value == '{')
		value = skip_labels(value);
	ck_assert_msg(value && *value == ' ', "%s", line);
	strtod(value + 1, &end);
	ck_assert_msg(end != value + 1 && !*end, "no number: %s", line);
	x->samples++;
}

/* Fails the test unless text is valid; returns how many metrics it holds. */
static int check_exposition(const char *text)
{
	struct exposition x = { 0 };
	_free_ char *copy = xstrdup(text);
	char *rest = copy;

	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	for (const char *c = text; *c; c++)
		ck_assert_msg(*c == '\n' || (*c >= ' ' && *c < 0x7f), "byte %d", *c);
	for (char *line = strsep(&rest, "\n"); rest; line = strsep(&rest, "\n")) {
		if (*line == '#')
			check_comment(&x, line, text);
		else
			check_sample(&x, line);
	}
	return x.metrics;
}

static char *metrics_text(const struct node_view *view)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	metrics_print(view, out);
	fclose(out);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	_free_ char *whole = xasprintf("\n%s\n", line);
	_free_ char *name = xasprintf("\n%.*s", (int)name_length(line), line);
	const char *near = strstr(text, name);

	/* Check takes no message of the whole text's size. */
	ck_assert_msg(strstr(text, whole) != NULL, "no line \"%s\"; there is%.2000s", line,
		near ? near : " none of that name");
}

START_TEST(metrics_of_a_coordinator)
{
	struct views v;
	views_make(&v);
	v.node.postgres_restarts = 4000000000u;

	_free_ char *text = metrics_text(&v.node);
	ck_assert_int_gt(check_exposition(text), 20);
	assert_line(text, "citus_init_ready 1");
	assert_line(text, "citus_init_phase{phase=\"open\"} 1");
	assert_line(text, "citus_init_phase{phase=\"local\"} 0");
	assert_line(text, "citus_init_postgres_restarts_total 4000000000");
	assert_line(text, "citus_init_cluster_formed 1");
	assert_line(text, "citus_init_members{state=\"ours\"} 2");
	assert_line(text, "citus_init_members{state=\"unreachable\"} 1");
	assert_line(text, "citus_init_members{state=\"foreign\"} 0");
	assert_line(text, "citus_init_member_registered{node=\"citus-2\"} 1");
	assert_line(text, "citus_init_member_reachable{node=\"citus-2\"} 0");
	assert_line(text, "citus_init_member_shards{node=\"citus-1\"} 16");
	assert_line(text, "citus_init_registration_failures_total 5");
	assert_line(text,
		"citus_init_node_info{node=\"citus-0\",role=\"coordinator\",postgres=\"15.20\","
		"citus=\"13.2-1\"} 1");
	ck_assert_ptr_nonnull(strstr(text, "\ncitus_init_agent_resident_bytes "));
	ck_assert_ptr_nonnull(strstr(text, "\ncitus_init_agent_wakeups_total "));
}
END_TEST

static bool has_metric(const char *text, const char *name)
{
	_free_ char *heading = xasprintf("# TYPE %s ", name);

	return strstr(text, heading) != NULL;
}

START_TEST(metrics_of_the_members)
{
	struct views v;
	views_make(&v);

	_free_ char *text = metrics_text(&v.node);
	assert_line(text, "citus_init_member_state{node=\"citus-2\",state=\"unreachable\"} 1");
	assert_line(text, "citus_init_member_state{node=\"citus-2\",state=\"ours\"} 0");
	assert_line(text, "citus_init_member_state{node=\"citus-1\",state=\"ours\"} 1");
	assert_line(text, "citus_init_member_active{node=\"citus-1\"} 1");
	assert_line(text, "citus_init_member_active{node=\"citus-2\"} 0");
	assert_line(text, "citus_init_member_freed{node=\"citus-2\"} 0");
	assert_line(text, "citus_init_plan_step{step=\"wait\"} 1");
	assert_line(text, "citus_init_plan_step{step=\"nothing\"} 0");
	assert_line(text, "citus_init_paused{by=\"wish\"} 0");
	const char *age =
		strstr(text, "\ncitus_init_member_last_seen_age_seconds{node=\"citus-2\"} 35");
	ck_assert_ptr_nonnull(age);

	v.members[2].last_seen_ms = 0;
	v.cluster.paused_by = "wish";
	v.cluster.step = NULL;
	_free_ char *other = metrics_text(&v.node);
	check_exposition(other);
	ck_assert_ptr_null(
		strstr(other, "citus_init_member_last_seen_age_seconds{node=\"citus-2\"}"));
	assert_line(other, "citus_init_paused{by=\"wish\"} 1");
	assert_line(other, "citus_init_paused{by=\"setting\"} 0");
	ck_assert(!has_metric(other, "citus_init_plan_step"));
}
END_TEST

/* What one member keeps from all others. */
static const struct blocking_case {
	const char *name;
	struct member member;
	int registration, statements;
} blocking_cases[] = {
	{ "one that serves",
		{ .state = MEMBER_OURS, .reachable = true, .registered = true, .active = true }, 0,
		0 },
	{ "one that is down", { .state = MEMBER_UNREACHABLE, .registered = true }, 1, 1 },
	{ "one that hangs", { .state = MEMBER_HANGING, .registered = true }, 1, 1 },
	{ "one that refuses the log-in", { .state = MEMBER_LOCKED, .registered = true }, 1, 1 },
	{ "one that was wiped", { .state = MEMBER_EMPTY, .reachable = true, .registered = true }, 1,
		1 },
	{ "one that is down and was freed",
		{ .state = MEMBER_UNREACHABLE, .registered = true, .freed = true }, 0, 1 },
	{ "one that is back and does not serve yet",
		{ .state = MEMBER_OURS, .reachable = true, .registered = true }, 0, 1 },
	{ "one that nobody registered", { .state = MEMBER_UNREACHABLE }, 0, 0 },
	{ "one that was not looked at yet", { .state = MEMBER_UNKNOWN, .registered = true }, 0, 0 },
};

START_TEST(metrics_of_what_is_blocked)
{
	const struct blocking_case *c = &blocking_cases[_i];
	struct views v;
	views_make(&v);
	v.members[2] = c->member;
	snprintf(v.members[2].name, sizeof(v.members[2].name), "citus-2");
	for (int i = 0; i < 2; i++)
		v.members[i].active = true;

	_free_ char *text = metrics_text(&v.node);
	check_exposition(text);
	static const char *const statements[] = { "ddl", "create_role", "reference_writes" };
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		_free_ char *line = xasprintf(
			"citus_init_blocked{what=\"%s\"} %d", statements[i], c->statements);
		assert_line(text, line);
	}
	_free_ char *line =
		xasprintf("citus_init_blocked{what=\"registration\"} %d", c->registration);
	assert_line(text, line);
}
END_TEST

START_TEST(metrics_of_the_server)
{
	struct views v;
	views_make(&v);

	_free_ char *text = metrics_text(&v.node);
	check_exposition(text);
	ck_assert_ptr_nonnull(strstr(text, "\ncitus_init_readings_age_seconds 15"));
	assert_line(text, "citus_init_readings_duration_seconds 0.012");
	assert_line(text, "citus_init_readings_total 3");
	assert_line(text, "citus_init_readings_failures_total 1");
	assert_line(text, "citus_init_connections{of=\"clients\"} 40");
	assert_line(text, "citus_init_connections{of=\"citus\"} 12");
	assert_line(text, "citus_init_connections{of=\"citus-init\"} 3");
	assert_line(text, "citus_init_limit{setting=\"max_connections\"} 100");
	assert_line(text, "citus_init_limit{setting=\"citus.max_shared_pool_size\"} 90");
	assert_line(text, "citus_init_pool_connections 20");
	assert_line(text, "citus_init_pool_busiest_connections 16");
	assert_line(text, "citus_init_prepared_transactions{by=\"citus\"} 2");
	assert_line(text, "citus_init_prepared_transaction_oldest_seconds{by=\"citus\"} 3600");
	assert_line(text, "citus_init_prepared_transactions{by=\"others\"} 0");
	assert_line(text, "citus_init_maintenance_daemon_up 1");
	assert_line(text, "citus_init_cleanup_records 0");
	assert_line(text, "citus_init_background_tasks{status=\"running\"} 1");
	assert_line(text, "citus_init_background_tasks{status=\"error\"} 0");
}
END_TEST

/* What is not known, or not known any more, is absent: a 0 would be the best of all values. */
START_TEST(metrics_of_a_server_that_was_not_asked)
{
	static const char *const names[] = { "citus_init_readings_age_seconds",
		"citus_init_connections", "citus_init_limit", "citus_init_pool_connections",
		"citus_init_pool_busiest_connections", "citus_init_prepared_transactions",
		"citus_init_prepared_transaction_oldest_seconds",
		"citus_init_maintenance_daemon_up", "citus_init_cleanup_records",
		"citus_init_background_tasks" };
	struct views v;
	views_make(&v);

	v.node.readings.last.read_ms = _i == 0 ? 0 : clock_now_ms() - 6 * 60 * 1000;
	_free_ char *text = metrics_text(&v.node);
	check_exposition(text);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(!has_metric(text, names[i]), "%s", names[i]);
	assert_line(text, "citus_init_readings_total 3");

	views_make(&v);
	v.node.readings.last.pool_connections = -1;
	v.node.readings.last.pool_busiest = -1;
	v.node.readings.last.cleanups = -1;
	v.node.readings.last.task_count = 0;
	_free_ char *other = metrics_text(&v.node);
	check_exposition(other);
	ck_assert(has_metric(other, "citus_init_connections"));
	ck_assert(!has_metric(other, "citus_init_pool_connections"));
	ck_assert(!has_metric(other, "citus_init_pool_busiest_connections"));
	ck_assert(!has_metric(other, "citus_init_cleanup_records"));
	ck_assert(!has_metric(other, "citus_init_background_tasks"));
}
END_TEST

START_TEST(metrics_of_a_worker)
{
	struct views v;
	views_make(&v);
	v.node.cluster = NULL;
	v.node.group = -1;

	_free_ char *text = metrics_text(&v.node);
	check_exposition(text);
	ck_assert_ptr_null(strstr(text, "citus_init_cluster_formed"));
	ck_assert_ptr_null(strstr(text, "citus_init_member_"));
	ck_assert_ptr_null(strstr(text, "citus_init_group "));
	ck_assert_ptr_null(strstr(text, "citus_init_last_look_age_seconds"));
	ck_assert_ptr_null(strstr(text, "citus_init_blocked"));
	ck_assert_ptr_null(strstr(text, "citus_init_plan_step"));
	ck_assert_ptr_null(strstr(text, "citus_init_paused"));
}
END_TEST

START_TEST(metrics_escape_label_values)
{
	struct views v;
	views_make(&v);
	snprintf(v.node.version, sizeof(v.node.version), "a\\b\"c\nd\te\xff");

	_free_ char *text = metrics_text(&v.node);
	check_exposition(text);
	ck_assert_ptr_nonnull(strstr(text, "postgres=\"a\\\\b\\\"c\\nd?e?\""));
}
END_TEST

Suite *suite_views(void);

Suite *suite_views(void)
{
	Suite *s = suite_create("views");
	TCase *c = tcase_create("probes");

	tcase_add_loop_test(c, probes, 0, ARRAY_LEN(probe_cases));
	suite_add_tcase(s, c);

	c = tcase_create("status");
	tcase_add_test(c, status_of_a_coordinator);
	tcase_add_test(c, status_tells_what_is_planned_and_what_is_wrong);
	tcase_add_test(c, status_of_a_member_that_was_wiped);
	tcase_add_test(c, status_says_null_for_what_is_not_known);
	tcase_add_test(c, status_survives_text_that_is_not_utf8);
	suite_add_tcase(s, c);

	c = tcase_create("metrics");
	tcase_add_test(c, metrics_of_a_coordinator);
	tcase_add_test(c, metrics_of_the_members);
	tcase_add_loop_test(c, metrics_of_what_is_blocked, 0, ARRAY_LEN(blocking_cases));
	tcase_add_test(c, metrics_of_the_server);
	tcase_add_loop_test(c, metrics_of_a_server_that_was_not_asked, 0, 2);
	tcase_add_test(c, metrics_of_a_worker);
	tcase_add_test(c, metrics_escape_label_values);
	suite_add_tcase(s, c);
	return s;
}
