#include "repair/next_act.h"

#include "base/banned.h"

enum repair_act repair_next_act(const struct repair_findings *f)
{
	bool copies_can_go = f->lost_copies > 0 && f->only_there == 0;

	/* Citus disables no node that holds something alone (node_metadata.c of Citus). */
	if (copies_can_go)
		return REPAIR_FORGET;
	if (!f->in_sync)
		return REPAIR_ACTIVATE;
	if (f->lost > 0)
		return REPAIR_RECREATE;
	return f->lost_copies > 0 ? REPAIR_MOVE : REPAIR_DONE;
}
