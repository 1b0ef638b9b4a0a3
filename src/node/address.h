/* "127.0.0.1:8008" and "[::1]:8008": a literal address and a port, taken apart. */
#pragma once

#include "base/err.h"

struct address {
	char host[64]; /* without brackets */
	int family;    /* AF_INET or AF_INET6 */
	int port;
};

int address_parse(const char *text, struct address *address, struct err *e) NODISCARD;
