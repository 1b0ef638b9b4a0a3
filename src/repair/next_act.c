#include "repair/next_act.h"

#include "base/banned.h"

enum repair_act repair_next_act(const struct repair_findings *f)
{
	bool copies_can_go = f->lost_copies > 0 && f->only_there == 0;

	/* Citus deletes a node's copies in its catalog when a disabled node is activated, and
	 * disables none that holds something alone (node_metadata.c of Citus). */
	if (!f->active)
		return REPAIR_ACTIVATE;
	if (copies_can_go)
		return REPAIR_DISABLE;
	if (!f->in_sync)
		return REPAIR_ACTIVATE;
	if (f->lost > 0)
		return REPAIR_RECREATE;
	return f->lost_copies > 0 ? REPAIR_MOVE : REPAIR_DONE;
}
