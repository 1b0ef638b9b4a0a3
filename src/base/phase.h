/*
 * How far a node is open, which is which lines pg_hba.conf holds. Prepare
 * renders the first one of a start, the agent decides on the others.
 */
#pragma once

enum phase {
	PHASE_LOCAL,	   /* only postgres, on the socket */
	PHASE_RECOGNITION, /* also citus_init over TCP: other nodes may read who this one is */
	PHASE_CLUSTER,	   /* also postgres over TCP: the cluster may register and fill it */
	PHASE_OPEN,	   /* everybody with a password, and replicator for replication */
	PHASE_COUNT
};

/* "local", "recognition", "cluster", "open". */
const char *phase_name(enum phase phase);

/* The phase of that name, or PHASE_COUNT. */
enum phase phase_of_name(const char *name);
