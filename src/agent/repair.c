#include "agent/repair.h"
struct repair *repair_open(
	struct event_base *l, const struct settings *s, const struct identity *id, const char *d)
{
	(void)l;
	(void)s;
	(void)id;
	(void)d;
	return 0;
}
void repair_close(struct repair *r)
{
	(void)r;
}
void repair_assess(struct repair *r, const struct repair_case *of, repair_assessed_fn f, void *ctx)
{
	(void)r;
	(void)of;
	struct loss_report x = { .loss = LOSS_NONE };
	f(ctx, &x, 0);
}
void repair_bring_back(struct repair *r, const struct repair_case *of, sql_done_fn f, void *ctx)
{
	(void)r;
	(void)of;
	f(ctx, 0);
}
