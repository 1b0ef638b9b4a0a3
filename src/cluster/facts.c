#include "cluster/facts.h"

#include <string.h>

#include "base/banned.h"

bool progress_is_behind(const struct progress *now, const struct progress *before)
{
	if (!now->system_identifier[0] || !now->timeline || !before->timeline ||
		strcmp(now->system_identifier, before->system_identifier) != 0)
		return false;
	return now->timeline < before->timeline ||
	       (now->timeline == before->timeline && now->lsn < before->lsn);
}
