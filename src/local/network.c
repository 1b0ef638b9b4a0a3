#include "local/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

enum {
	PREFERRED_HTTP_PORT = 8008,
	/* Added to a port that is taken on all addresses: 15432, 18008. Below Linux' range of
	 * ephemeral ports, so that no passing connection sits there. */
	OTHER_PORTS = 10000,
	PORT_TRIES = 200,
	NETWORK_TRIES = 200,
};

void network_host(const struct network *net, int ordinal, char host[NETWORK_HOST_SIZE])
{
	snprintf(host, NETWORK_HOST_SIZE, "127.%d.%d.%d", net->a & 0xff, net->b & 0xff,
		ordinal & 0xff);
}

/* a is 1 to 254: 127.0 is where everybody listens, 127.255 ends in the broadcast address. */
static void draw(struct network *net)
{
	unsigned char random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 1, sizeof(random)); /* then the next call steps on */
	net->a = 1 + random[0] % 254;
	net->b = random[1];
}

/* SO_REUSEADDR as postgres sets it: connections that are still closing are no hindrance, a
 * listener on this address or on all of them is. */
static bool is_free(const struct network *net, int ordinal, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	char host[NETWORK_HOST_SIZE];
	int on = 1;

	network_host(net, ordinal, host);
	_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && inet_pton(AF_INET, host, &to.sin_addr) == 1 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/* The preferred port unless it is taken on every address, which a few drawn ones show. */
static int choose_port(int preferred)
{
	int port = preferred;

	for (int tries = 0; tries < PORT_TRIES; tries++) {
		for (int samples = 0; samples < 4; samples++) {
			struct network sample;

			draw(&sample);
			if (is_free(&sample, 0, port))
				return port;
		}
		port = tries == 0 ? preferred % OTHER_PORTS + OTHER_PORTS : port + 1;
	}
	return -1;
}

static int hold(struct network *net, struct err *e)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "could not make a socket");
	/* A name that starts with a zero byte is abstract: unix(7). */
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
		"citus-init-local-127.%d.%d", net->a, net->b);
	if (bind(fd, (struct sockaddr *)&name,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) < 0) {
		if (errno != EADDRINUSE)
			return err_sys(
				e, "could not hold the network 127.%d.%d.0/24", net->a, net->b);
		return err_set(e, ERR_BUSY,
			"the network 127.%d.%d.0/24 is in use by another citus-init local", net->a,
			net->b);
	}
	net->hold = take_fd(&fd);
	return 0;
}

int network_take(struct network *net, int count, struct err *e)
{
	net->hold = -1;
	if (hold(net, e) < 0)
		return -1;
	for (int k = 0; k < count; k++) {
		int port = is_free(net, k, net->port) ? net->http_port : net->port;
		char host[NETWORK_HOST_SIZE];

		if (is_free(net, k, port))
			continue;
		network_host(net, k, host);
		close(net->hold);
		net->hold = -1;
		return err_set(e, ERR_BUSY,
			"port %d of %s is in use; find who listens there with \"ss -ltnp\"", port,
			host);
	}
	return 0;
}

int network_choose(struct network *net, int count, int preferred_port, struct err *e)
{
	net->hold = -1;
	net->port = choose_port(preferred_port);
	net->http_port = choose_port(PREFERRED_HTTP_PORT);
	if (net->port < 0 || net->http_port < 0)
		return err_set(e, ERR_SYS,
			"could not find a free port on the loopback addresses, e.g. %d or %d; is "
			"the loopback interface up (\"ip link set lo up\")?",
			preferred_port, PREFERRED_HTTP_PORT);
	for (int tries = 0; tries < NETWORK_TRIES; tries++) {
		draw(net);
		if (network_take(net, count, e) == 0)
			return 0;
	}
	return err_wrap(e, "could not find a free network for %d nodes below 127.0.0.0/8", count);
}
