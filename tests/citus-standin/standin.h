/*
 * Part of the stand-in for Citus that the tests of citus-init use; never for production.
 *
 * What the four C files of the library share: the settings they read, the connections to other
 * nodes and the maintenance daemon. All of it runs inside a PostgreSQL backend, so errors are
 * raised with ereport() and memory belongs to PostgreSQL's contexts.
 */
#pragma once

#include "postgres.h"

#include "utils/timestamp.h"

#define STANDIN_LIBRARY_VERSION "13.2"

/* settings.c */

extern char *citus_node_conninfo;
extern int citus_node_connection_timeout_ms;
extern int citus_max_cached_conns_per_worker;
extern int citus_max_cached_connection_lifetime_ms;
extern int citus_recover_2pc_interval_ms;
extern double citus_deadlock_detection_factor;
extern bool citus_enable_ddl_propagation;
extern bool citus_enable_create_role_propagation;
extern bool citus_enable_alter_role_propagation;
extern bool citus_enable_version_checks;

/* Defines every citus.* setting; called once, while the library is preloaded. */
void settings_define(void);

/* remote.c */

/*
 * Hooks the connections to other nodes into the local transaction. Until the transaction ends,
 * what was done through them in a coordinated way is uncommitted there, and shares its fate.
 */
void remote_init(void);

/*
 * Asks one node one question over a cached connection and waits for the answer for as long as it
 * takes; only connecting has a limit. For the daemon, which runs outside of transactions.
 */
void remote_ask(const char *host, int port, const char *user, const char *command);

/* Closes all connections of this process when its transaction ends. */
void remote_close_after_transaction(void);

/* daemon.c */

/* Reserves shared memory for the list of running daemons. */
void daemon_init(void);

/* Starts the maintenance daemon of the current database, if it has Citus and no daemon. */
void daemon_ensure(void);

/*
 * Ends the daemon of a database and waits until it has gone, so that the database can be dropped.
 * A daemon that waits for a frozen node does not go: the wait has a limit.
 */
void daemon_stop(Oid database);
