/*
 * The databases whose membership is kept: for now the one of the contract. All
 * that depends on a database goes through this list.
 */
#pragma once

enum { MANAGED_COUNT = 1 };

/* Their names, in the order of everything that is kept by database. */
extern const char *const managed_databases[MANAGED_COUNT];
