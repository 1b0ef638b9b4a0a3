#include "node/fixed_roles.h"

#include "base/banned.h"

const struct fixed_role_trait fixed_roles[FIXED_ROLE_COUNT] = {
	/* Each node's own affair: a changed password must not need the old one to travel. */
	[FIXED_ROLE_POSTGRES] = { "postgres", SET_SUPERPASS, false },
	[FIXED_ROLE_ADMIN] = { "admin", SET_ADMINPASS, true },
	[FIXED_ROLE_REPLICATOR] = { "replicator", SET_REPPASS, false },
};
