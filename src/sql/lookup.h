/*
 * Names to addresses, without waiting, as the C library does it: /etc/hosts
 * and resolv.conf are read for each look-up, and each asks from a port of its
 * own. So a change of either counts at once, and so does that of the server
 * behind an address: a port that is used for ever keeps the kernel's
 * translation (conntrack) to a DNS server that is gone.
 *
 * IPv4 and IPv6 are asked for at one time, and the first address wins. The
 * other is not waited for: behind a search list it can take as long as outer
 * servers that never answer.
 */
#pragma once

#include <event2/event.h>

struct lookup;

/* address is NULL when there is none; then why says why. Both are borrowed. */
typedef void (*lookup_done_fn)(void *ctx, const char *address, const char *why);

/* done is called exactly once, from the loop, never from inside this call; the lookup is gone
 * then. There is no deadline but the caller's. */
struct lookup *lookup_start(
	struct event_base *loop, const char *host, lookup_done_fn done, void *ctx);

/* Ends it without a callback; NULL is allowed. */
void lookup_cancel(struct lookup *l);
