#include "agent/managed.h"

#include "agent/setup.h"

#include "base/banned.h"

const char *const managed_databases[MANAGED_COUNT] = { SETUP_DATABASE };
