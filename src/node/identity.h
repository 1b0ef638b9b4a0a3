/*
 * Who this node is: a pure function of the settings, the host's name and the
 * search list of resolv.conf. Nothing is asked of the network.
 */
#pragma once

#include "base/err.h"
#include "node/settings.h"

enum role { ROLE_COORDINATOR, ROLE_WORKER };

struct identity {
	char *group; /* "citus" */
	char *name;  /* "citus-2" */
	char *host;  /* the name under which this node is registered */
	int ordinal;
	int size; /* SET_SIZE: ordinals 0 to size - 1 are wanted */
	enum role role;
	int port;      /* the same on every node */
	char *pattern; /* of the host names, with {domain} already filled in */
};

/*
 * hostname is used when POD_NAME is not set; resolv_conf is the text of /etc/resolv.conf or NULL.
 * Errors name the setting and what to do. An ordinal beyond SET_SIZE is no error here: whether it
 * is one depends on the data directory (identity_is_leaving()).
 */
struct identity *identity_of(
	const struct settings *s, const char *hostname, const char *resolv_conf, struct err *e);

/* identity_of() with this machine's host name and /etc/resolv.conf. */
struct identity *identity_here(const struct settings *s, struct err *e);
void identity_free(struct identity *id);

/* The host name of a peer (or of this node) by ordinal; the caller frees it. */
char *identity_host_of(const struct identity *id, int ordinal);

/* "citus-4"; the caller frees it. */
char *identity_name_of(const struct identity *id, int ordinal);

/* The ordinal of the node that has that name in this group, or -1. */
int identity_ordinal_of(const struct identity *id, const char *name);

bool identity_is_leaving(const struct identity *id);

/* "coordinator" or "worker". */
const char *role_name(enum role role);
