/*
 * A set whose cluster is registered under other addresses: which those are, and
 * whether they may be changed to the ones that the set has now.
 */
#pragma once

#include "cluster/cluster.h"

/* Under which address the coordinator (ordinal 0) or a worker is remembered to be registered. NULL
 * for not at all. Borrowed until the next look. */
const struct address *moved_from(const struct cluster *c, int ordinal);

/* Shows the addresses in the view: from where each node was moved, what hinders an adoption, and
 * the token of exactly this one. */
void moved_publish(struct cluster *c);
