/*
 * How far a node is open, which is which lines pg_hba.conf holds. A word that
 * every role shares: prepare renders a phase, PID 1 carries the request for it,
 * the agent decides it.
 */
#pragma once

enum phase {
	PHASE_LOCAL,   /* only postgres, on the socket */
	PHASE_CLUSTER, /* also postgres over TCP: other nodes may look and register */
	PHASE_OPEN,    /* everybody with a password, and replicator for replication */
	PHASE_COUNT
};

/* "local", "cluster", "open". */
const char *phase_name(enum phase phase);

/* The phase of that name, or PHASE_COUNT. */
enum phase phase_of_name(const char *name);
