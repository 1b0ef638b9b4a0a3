/*
 * Where the data directory of an abandoned cluster goes: beside itself, under the
 * cluster's id, by one rename. Nothing of it is deleted.
 */
#pragma once

#include "base/err.h"

/* "/pgdata/data.abandoned.CLUSTER-ID"; the caller frees it. */
char *abandoned_path(const char *data_directory, const char *cluster_id);

/*
 * Whether the directory can be abandoned as it lies, as far as can be told while its server runs;
 * touches nothing, does not block for long. -1 with ERR_REFUSED says why not and what to do.
 */
int abandoned_check(const char *data_directory, const char *cluster_id, struct err *e) NODISCARD;
