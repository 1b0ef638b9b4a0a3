#include "node/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

int address_parse(const char *text, struct address *address, struct err *e)
{
	struct in6_addr binary;
	const char *colon = strrchr(text, ':');
	const char *end = colon;
	char *tail;

	*address = (struct address){ .family = AF_INET };
	if (!colon || colon == text)
		return err_set(e, ERR_CONFIG,
			"\"%s\" is not ADDRESS:PORT, e.g. 0.0.0.0:8008 or [::]:8008", text);
	if (*text == '[' && colon[-1] == ']') {
		address->family = AF_INET6;
		text++;
		end--;
	}
	int length =
		snprintf(address->host, sizeof(address->host), "%.*s", (int)(end - text), text);
	if (length >= (int)sizeof(address->host) ||
		inet_pton(address->family, address->host, &binary) != 1)
		return err_set(e, ERR_CONFIG,
			"\"%s\" is not a literal address (an IPv6 address goes in brackets)",
			address->host);
	long port = strtol(colon + 1, &tail, 10);
	if (colon[1] < '0' || colon[1] > '9' || *tail || port < 1 || port > 65535)
		return err_set(
			e, ERR_CONFIG, "\"%s\" is not a port between 1 and 65535", colon + 1);
	address->port = (int)port;
	return 0;
}
