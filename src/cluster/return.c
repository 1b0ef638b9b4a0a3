/*
 * The return of an empty member: what it has lost, filling it again, and our
 * memory of it.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/state.h"

#include "base/banned.h"

static int bind_name(void *ctx, const char *parameters[])
{
	struct members *m = ctx;

	parameters[0] = members_only_chosen(m)->view->name;
	return 1;
}

static const struct sql_step succeed[] = {
	{ .name = "remember the successor of the lost directory",
		.sql = "with old as (insert into citus_init.superseded (system_identifier, name)"
		       "  select system_identifier, name from citus_init.member"
		       "  where name = $1 and successor <> system_identifier"
		       "  on conflict do nothing),"
		       " granted as (delete from citus_init.wish"
		       "  where what = 'accept loss' and argument = $1)"
		       " update citus_init.member set system_identifier = coalesce(successor,"
		       "  system_identifier), successor = null, registered_at = now(),"
		       "  timeline = null, lsn = null where name = $1",
		.bind = bind_name },
};

/* m->others must have been made. */
static struct repair_case case_of(const struct members *m, const struct worker *w)
{
	return (struct repair_case){ .name = w->view->name,
		.host = w->view->host,
		.group = w->row->entries[0].group,
		.lost_identifier = w->row->record.seen.system_identifier,
		.new_identifier = watch_facts(w->watch)->own.system_identifier,
		.accepted = w->view->loss_accepted ? w->loss.token : "",
		.others = m->others };
}

static void on_assessed(void *ctx, const struct loss_report *report, const struct err *failure)
{
	struct members *m = ctx;
	struct worker *w = members_only_chosen(m);

	if (failure) {
		log_warning("could not find out what %s has lost, will try again: %s",
			w->view->name, failure->msg);
		members_note_failure(m, w);
	} else {
		w->loss = *report;
		memcpy(w->assessed, watch_facts(w->watch)->own.system_identifier,
			sizeof(w->assessed));
		m->is_stale = true;
	}
	members_end_round(m, NULL);
}

static void on_succeeded(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	struct worker *w = members_only_chosen(m);

	if (!failure) {
		log_info("%s has been brought back%s%s", w->view->name,
			w->loss.words[0] ? ": " : "", w->loss.words);
		w->loss = (struct loss_report){ .loss = LOSS_UNKNOWN };
		w->assessed[0] = '\0';
		members_note_success(w);
	}
	m->is_stale = true;
	members_end_round(m, failure);
}

static void on_brought_back(void *ctx, const struct err *failure)
{
	struct members *m = ctx;
	struct worker *w = members_only_chosen(m);

	if (!failure) {
		sql_run(m->catalog.home, succeed, ARRAY_LEN(succeed), m, on_succeeded);
		return;
	}
	log_error("could not bring %s back, will try again: %s", w->view->name, failure->msg);
	/* How far it came is to be seen anew. */
	w->assessed[0] = '\0';
	members_note_failure(m, w);
	members_end_round(m, NULL);
}

void member_return_assess(struct members *m)
{
	const struct repair_case of = case_of(m, members_only_chosen(m));

	repair_assess(m->repair, &of, on_assessed, m);
}

void member_return_bring_back(struct members *m)
{
	const struct repair_case of = case_of(m, members_only_chosen(m));

	log_info("bringing %s back: %s", of.name, m->plan.why);
	repair_bring_back(m->repair, &of, on_brought_back, m);
}
