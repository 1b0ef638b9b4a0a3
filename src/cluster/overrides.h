/*
 * What of the server's settings that the program relies on is not as it wants it
 * (node/server_settings.h), read from the coordinator and from each worker.
 */
#pragma once

#include "sql/sql.h"

/* The names, a PostgreSQL array, for sql/cluster/read_server_settings.sql; the caller frees it. */
char *overrides_names(void);

/* Adds what is to be said of the row to text, which has room for OVERRIDDEN_MAX bytes and holds
 * each sentence once. */
void overrides_read(char *text, const PGresult *result, int row);
