#include "cluster/facts.h"

#include <string.h>

#include "base/banned.h"

enum epoch_order epoch_compare(const struct epoch *it, const struct member_record *record)
{
	const struct epoch *known = &record->epoch;

	if (it->number < known->number)
		return EPOCH_BEHIND;
	if (it->number == known->number)
		return strcmp(it->id, known->id) == 0 ? EPOCH_CURRENT : EPOCH_FORKED;
	/* The member has begun it, and the coordinator did not come to confirm it. */
	if (it->number == known->number + 1 && record->next_epoch[0] &&
		strcmp(it->id, record->next_epoch) == 0)
		return EPOCH_CURRENT;
	return EPOCH_AHEAD;
}

bool cluster_has_id(const struct cluster_facts *cluster, const char *id)
{
	return strcmp(id, cluster->id) == 0 ||
	       (cluster->next_id[0] && strcmp(id, cluster->next_id) == 0);
}

bool address_is(const struct address *address, const char *host, int port)
{
	return address->port == port && strcmp(address->host, host) == 0;
}
