/*
 * Where a local cluster listens: node k on 127.a.b.k, all on one port, as pods
 * with addresses of their own do. Linux gives the whole of 127.0.0.0/8 to the
 * loopback interface, so a.b needs no set-up; it must only be free.
 *
 * A choice is held by an abstract Unix socket named after a.b: two clusters
 * can not choose the same one, it lives in the same network namespace as the
 * addresses, and it is gone with the process, however that ends.
 */
#pragma once

#include "base/err.h"

/* Ordinals 0 to 249 leave the last bytes of an address that some take for a broadcast alone. */
enum { NETWORK_MAX_NODES = 250, NETWORK_HOST_SIZE = 16 };

struct network {
	int a, b;
	int port;      /* of postgres */
	int http_port; /* of the agent */
	int hold;      /* descriptor of the abstract socket; -1 when not held */
};

/* Chooses a random a.b that is free for count nodes, and ports: the preferred ones, or others
 * when a server listens there on all addresses. Holds the choice. */
int network_choose(struct network *net, int count, int preferred_port, struct err *e) NODISCARD;

/* Holds a network that was chosen before. ERR_BUSY when another holds it, or somebody listens
 * on one of its ports; then it is not held. */
int network_take(struct network *net, int count, struct err *e) NODISCARD;

/* "127.a.b.k" */
void network_host(const struct network *net, int ordinal, char host[NETWORK_HOST_SIZE]);
