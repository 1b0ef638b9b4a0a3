/*
 * What of the server's settings that the program relies on is not as it wants it
 * (node/server_settings.h), read from the coordinator and from each worker.
 */
#pragma once

#include "sql/sql.h"
#include "view/view.h"

/* The names of the settings as a PostgreSQL array, the parameter of
 * sql/cluster/read_server_settings.sql; the caller frees it. */
char *overrides_names(void);

/* Adds what is to be said of a row of that statement. */
void overrides_add(struct overridden_view *to, const PGresult *result, int row);
