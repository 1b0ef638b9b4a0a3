/*
 * The roles that every node has, and the setting that holds each one's password. The files of
 * sql/setup/ name them as well: a statement is easier to read with the names in it.
 */
#pragma once

#include <stdbool.h>

#include "node/settings.h"

/* In the order of the parameters of sql/setup/hand_over_verifiers.sql. */
enum fixed_role { FIXED_ROLE_POSTGRES, FIXED_ROLE_ADMIN, FIXED_ROLE_REPLICATOR, FIXED_ROLE_COUNT };

extern const struct fixed_role_trait {
	const char *name;
	enum setting_id password;
	bool is_propagated; /* Citus sends the coordinator's password on to the members */
} fixed_roles[FIXED_ROLE_COUNT];
