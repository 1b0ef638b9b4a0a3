/*
 * The databases of a node. Whatever keeps membership by database goes through
 * the list of the managed ones, which for now has one entry.
 */
#pragma once

/* The database for the users, and the one where the memory is kept. */
#define DATABASE_CITUS "citusdb"
#define DATABASE_HOME  "postgres"

enum { MANAGED_COUNT = 1 };

/* Their names; every array by database is in this order. */
extern const char *const managed_databases[MANAGED_COUNT];
