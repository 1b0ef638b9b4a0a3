#include "report/status.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "node/sample_password.h"
#include "report/conditions.h"
#include "report/probes.h"
#include "version.h"

#include "base/banned.h"

static const char *const postgres_states[POSTGRES_STATE_COUNT] = {
	[POSTGRES_DOWN] = "down",
	[POSTGRES_STARTING] = "starting",
	[POSTGRES_READY] = "ready",
	[POSTGRES_STOPPING] = "stopping",
};

static const char *const setup_states[] = {
	[SETUP_WAITING] = "waiting",
	[SETUP_RUNNING] = "running",
	[SETUP_UNRECOGNISED] = "unrecognised",
	[SETUP_DONE] = "done",
	[SETUP_FAILED] = "failed",
};

/* A server's message may be in another encoding, or cut within a character: JSON takes neither. */
static json_t *text(const char *s)
{
	json_t *value = json_string(s);

	if (value)
		return value;
	_free_ char *ascii = xstrdup(s);
	for (char *c = ascii; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(ascii);
}

static json_t *text_or_null(const char *s)
{
	return s[0] ? text(s) : json_null();
}

static json_t *number_or_null(long long number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static json_t *seconds_since(int64_t then_ms, int64_t now_ms)
{
	return then_ms ? json_integer((now_ms - then_ms) / 1000) : json_null();
}

/* "2026-03-01T14:02:11Z", or null. */
static json_t *moment(int64_t then_s)
{
	time_t then = (time_t)then_s;
	char iso[32];
	struct tm tm;

	if (!then_s)
		return json_null();
	gmtime_r(&then, &tm);
	strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(iso);
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *postgres_of(const struct node_view *view)
{
	json_t *o = json_object();

	put(o, "state", text(postgres_states[view->postgres]));
	put(o, "pid", number_or_null(view->postgres_pid > 0 ? view->postgres_pid : -1));
	put(o, "restarts", json_integer(view->postgres_restarts));
	put(o, "version", text_or_null(view->version));
	return o;
}

static json_t *setup_of(const struct node_view *view)
{
	json_t *o = json_object();

	put(o, "state", text(setup_states[view->setup]));
	put(o, "error", text_or_null(view->setup_error));
	return o;
}

static json_t *warnings_of(const struct node_view *view)
{
	json_t *list = json_array();

	if (view->sample_passwords[0]) {
		_free_ char *words =
			xasprintf("%s: " SAMPLE_PASSWORD_WARNING, view->sample_passwords);
		json_array_append_new(list, text(words));
	}
	if (view->sql_files.error[0]) {
		_free_ char *words = xasprintf("SQL file %s", view->sql_files.error);
		json_array_append_new(list, text(words));
	}
	return list;
}

static json_t *sql_files_of(const struct sql_files_view *files)
{
	json_t *o = json_object();

	put(o, "applied", json_integer(files->applied));
	put(o, "waiting", json_integer(files->waiting));
	put(o, "error", text_or_null(files->error));
	return o;
}

static json_t *node_of(const struct node_view *view, int64_t now_ms)
{
	const struct identity *id = view->identity;
	char reason[NODE_REASON_MAX];
	bool is_ready = node_view_is_ready(view, reason, sizeof(reason));
	json_t *o = json_object();

	put(o, "name", text(id->name));
	put(o, "role", text(role_name(id->role)));
	put(o, "ordinal", json_integer(id->ordinal));
	put(o, "host", text(id->host));
	put(o, "phase", text(phase_name(view->phase)));
	put(o, "ready", json_boolean(is_ready));
	put(o, "reason", text_or_null(reason));
	put(o, "postgres", postgres_of(view));
	put(o, "citus", text_or_null(view->citus));
	put(o, "group", number_or_null(view->group));
	put(o, "cluster_id", text_or_null(view->cluster_id));
	put(o, "abandoned", text_or_null(view->abandoned));
	put(o, "admitted", id->role == ROLE_WORKER ? json_boolean(view->admitted) : json_null());
	put(o, "setup", setup_of(view));
	put(o, "agent_restarts", json_integer(view->agent_restarts));
	put(o, "uptime_seconds", seconds_since(view->started_ms, now_ms));
	put(o, "sql_files", sql_files_of(&view->sql_files));
	put(o, "warnings", warnings_of(view));
	return o;
}

static json_t *member_of(const struct member *m, int64_t now_ms)
{
	json_t *o = json_object();

	put(o, "name", text(m->name));
	put(o, "ordinal", json_integer(m->ordinal));
	put(o, "role", text(role_name(m->ordinal == 0 ? ROLE_COORDINATOR : ROLE_WORKER)));
	put(o, "host", text(m->host));
	put(o, "state", text(member_state_name(m->state)));
	put(o, "meaning", text_or_null(member_state_meaning(m->state)));
	put(o, "reason", text_or_null(m->reason));
	put(o, "leaving", json_boolean(m->leaving));
	put(o, "move", text_or_null(m->move));
	put(o, "reachable", m->state == MEMBER_UNKNOWN ? json_null() : json_boolean(m->reachable));
	put(o, "registered", json_boolean(m->registered));
	put(o, "active", json_boolean(m->active));
	put(o, "freed", json_boolean(m->freed));
	put(o, "cluster_id", text_or_null(m->cluster_id));
	put(o, "system_identifier", text_or_null(m->system_identifier));
	put(o, "loss", text_or_null(m->loss));
	put(o, "loss_token", text_or_null(m->loss_token));
	put(o, "loss_accepted", json_boolean(m->loss_accepted));
	put(o, "away_since", moment(m->away_since_s));
	put(o, "group", number_or_null(m->group));
	put(o, "version", text_or_null(m->version));
	put(o, "citus", text_or_null(m->citus));
	put(o, "shards", number_or_null(m->registered ? m->shards : -1));
	put(o, "outdated_collations", text_or_null(m->outdated.list));
	put(o, "last_seen_seconds_ago", seconds_since(m->last_seen_ms, now_ms));
	put(o, "failures", json_integer(m->failures));
	return o;
}

static json_t *plan_of(const struct cluster_view *cluster)
{
	json_t *o = json_object();

	put(o, "step", text_or_null(cluster->step ? cluster->step : ""));
	put(o, "why", text_or_null(cluster->why));
	put(o, "chosen", text_or_null(cluster->chosen));
	return o;
}

static json_t *cluster_of(const struct cluster_view *cluster, int size, int64_t now_ms)
{
	json_t *members = json_array();
	json_t *o = json_object();

	for (int i = 0; i < cluster->count; i++)
		json_array_append_new(members, member_of(&cluster->members[i], now_ms));
	put(o, "id", text_or_null(cluster->id));
	put(o, "formed", json_boolean(cluster->formed));
	put(o, "adoption_token", text_or_null(cluster->adoption_token));
	put(o, "adoption_hindrance", text_or_null(cluster->adoption_hindrance));
	put(o, "adoption_refused", text_or_null(cluster->adoption_refused));
	put(o, "adoption_refusals", json_integer(cluster->adoption_refusals));
	put(o, "waiting_for", text_or_null(cluster->waiting_for));
	put(o, "plan", plan_of(cluster));
	put(o, "paused_by", text_or_null(cluster->paused_by ? cluster->paused_by : ""));
	put(o, "size", json_integer(size));
	put(o, "looked_seconds_ago", seconds_since(cluster->looked_ms, now_ms));
	put(o, "looks", json_integer(cluster->looks));
	put(o, "registrations", json_integer(cluster->registrations));
	put(o, "registration_failures", json_integer(cluster->registration_failures));
	put(o, "members", members);
	return o;
}

static json_t *conditions_as_json(const struct node_view *view, int64_t now_ms)
{
	json_t *list = json_array();
	struct conditions conditions;

	conditions_of(view, now_ms, (int64_t)time(NULL), &conditions);
	for (int i = 0; i < conditions.count; i++) {
		const struct condition *c = &conditions.items[i];
		json_t *o = json_object();

		put(o, "severity", text(severity_name(c->severity)));
		put(o, "node", text_or_null(c->node));
		put(o, "text", text(c->text));
		json_array_append_new(list, o);
	}
	conditions_free(&conditions);
	return list;
}

json_t *status_of(const struct node_view *view)
{
	const struct cluster_view *cluster = view->cluster;
	int64_t now_ms = clock_now_ms();
	json_t *o = json_object();

	put(o, "citus_init", text(VERSION));
	put(o, "node", node_of(view, now_ms));
	put(o, "cluster", cluster ? cluster_of(cluster, view->size, now_ms) : json_null());
	put(o, "conditions", conditions_as_json(view, now_ms));
	return o;
}
