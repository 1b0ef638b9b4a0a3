/*
 * The databases of a node. All that depends on whose membership is kept goes
 * through the list of the managed ones: for now the one of the contract.
 */
#pragma once

/* The database that the contract promises, and the one where the memory is kept. */
#define DATABASE_CITUS "citusdb"
#define DATABASE_HOME  "postgres"

enum { MANAGED_COUNT = 1 };

/* Their names, in the order of everything that is kept by database. */
extern const char *const managed_databases[MANAGED_COUNT];
