#include "report/probes.h"

#include <stdio.h>

#include "base/mem.h"

#include "base/banned.h"

/* Writes why not, or returns true. */
typedef bool check_fn(const struct node_view *view, char *reason, size_t size);

static bool is_postgres_ready(const struct node_view *view, char *reason, size_t size)
{
	static const char *const reasons[POSTGRES_STATE_COUNT] = {
		[POSTGRES_DOWN] = "postgres is down",
		[POSTGRES_STARTING] = "postgres is starting: recovery or start-up not finished",
		[POSTGRES_STOPPING] = "postgres is stopping",
	};

	if (view->postgres == POSTGRES_READY)
		return true;
	if (view->postgres_restarts)
		snprintf(reason, size, "%s, restart %u", reasons[view->postgres],
			view->postgres_restarts);
	else
		snprintf(reason, size, "%s", reasons[view->postgres]);
	return false;
}

/* Never, in this state of the set-up. */
static bool is_recognised(const struct node_view *view, char *reason, size_t size)
{
	const char *own = view->cluster ? view->cluster->members[0].reason : "";

	if (view->identity->role == ROLE_WORKER)
		snprintf(reason, size,
			"waiting for the coordinator to recognise this data directory");
	else
		snprintf(reason, size, "waiting to see what the workers remember%s%s",
			own[0] ? ": " : "", own);
	return false;
}

static bool is_set_up(const struct node_view *view, char *reason, size_t size)
{
	switch (view->setup) {
	case SETUP_DONE: return true;
	case SETUP_WAITING: snprintf(reason, size, "local set-up has not begun"); break;
	case SETUP_RUNNING:
		snprintf(reason, size, "local set-up is running%s%s",
			view->setup_error[0] ? " again, it failed: " : "", view->setup_error);
		break;
	case SETUP_UNRECOGNISED: return is_recognised(view, reason, size);
	case SETUP_FAILED:
		snprintf(reason, size, "local set-up failed: %s", view->setup_error);
		break;
	}
	return false;
}

static bool is_registered(const struct node_view *view, char *reason, size_t size)
{
	if (view->member)
		return true;
	_free_ char *by_hand =
		member_state_by_hand(view->shut, view->identity->host, view->identity->port);
	if (by_hand)
		snprintf(reason, size, "this node is %s: %s", member_state_name(view->shut),
			by_hand);
	else if (view->group > 0)
		snprintf(reason, size,
			"waiting for the coordinator to recognise this data directory");
	else if (view->group == 0)
		snprintf(reason, size, "waiting for the coordinator to register this node");
	else
		snprintf(reason, size, "not known yet whether this node is registered");
	return false;
}

static bool is_formed(const struct node_view *view, char *reason, size_t size)
{
	const char *who = view->cluster ? view->cluster->waiting_for : "";
	const char *own = view->cluster ? view->cluster->members[0].reason : "";

	if (view->member)
		return true;
	if (view->formed)
		snprintf(reason, size, "waiting to see what the workers remember%s%s",
			own[0] ? ": " : "", own);
	else
		snprintf(reason, size, "the cluster is not formed%s%s",
			who[0] ? ": waiting for " : "", who);
	return false;
}

static bool is_member(const struct node_view *view, char *reason, size_t size)
{
	return view->identity->role == ROLE_WORKER ? is_registered(view, reason, size)
						   : is_formed(view, reason, size);
}

static bool is_open(const struct node_view *view, char *reason, size_t size)
{
	if (view->phase == PHASE_OPEN)
		return true;
	snprintf(reason, size, "not open yet: pg_hba.conf admits only %s (phase %s)",
		view->phase == PHASE_LOCAL ? "local sessions" : "the cluster's nodes",
		phase_name(view->phase));
	return false;
}

static bool all_pass(check_fn *const *checks, size_t count, const struct node_view *view,
	char *reason, size_t size)
{
	if (size)
		reason[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (checks[i](view, reason, size))
			continue;
		if (size)
			err_make_one_line(reason);
		return false;
	}
	return true;
}

bool node_view_is_ready(const struct node_view *view, char *reason, size_t size)
{
	static check_fn *const checks[] = { is_postgres_ready, is_set_up, is_member, is_open };

	return all_pass(checks, ARRAY_LEN(checks), view, reason, size);
}

/* A postgres that is stopping has started; one that crashed and is on its way back has not. */
static bool has_accepted(const struct node_view *view, char *reason, size_t size)
{
	if (view->postgres_was_ready && view->postgres == POSTGRES_STOPPING)
		return true;
	return is_postgres_ready(view, reason, size);
}

bool node_view_is_started(const struct node_view *view, char *reason, size_t size)
{
	static check_fn *const checks[] = { has_accepted };

	return all_pass(checks, ARRAY_LEN(checks), view, reason, size);
}
