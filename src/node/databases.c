#include "node/databases.h"

#include "base/banned.h"

const char *const managed_databases[MANAGED_COUNT] = { DATABASE_CITUS };
