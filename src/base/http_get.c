#include "base/http_get.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#include "base/banned.h"

/* More than any answer of ours; bounds what a stranger on that port can make us hold. */
enum { ANSWER_MAX = 16 * 1024 * 1024, ANSWER_CHUNK = 16 * 1024 };

static int wait_for(int fd, short events, int64_t deadline_ms, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms - clock_now_ms();
		if (left <= 0)
			return err_set(e, ERR_TIMEOUT, "no answer in time");
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, "could not wait for the answer");
	}
}

static int connect_to(const struct addrinfo *to, int64_t deadline_ms, struct err *e)
{
	int failure = 0;
	socklen_t size = sizeof(failure);

	_close_ int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "could not make a socket");
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return take_fd(&fd);
	if (errno != EINPROGRESS && errno != EINTR)
		return err_set(e, ERR_NET, "could not connect: %s", strerror(errno));
	if (wait_for(fd, POLLOUT, deadline_ms, e) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
		return err_sys(e, "could not look at a socket");
	if (failure)
		return err_set(e, ERR_NET, "could not connect: %s", strerror(failure));
	return take_fd(&fd);
}

/* Tries each address of the name; the last failure is reported. */
static int connect_to_host(const char *host, int port, int64_t deadline_ms, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[16];
	int fd = -1;

	snprintf(service, sizeof(service), "%d", port);
	int failure = getaddrinfo(host, service, &hints, &list);
	if (failure)
		return err_set(e, ERR_NET, "could not resolve the name: %s", gai_strerror(failure));
	for (const struct addrinfo *to = list; to && fd < 0; to = to->ai_next)
		fd = connect_to(to, deadline_ms, e);
	freeaddrinfo(list);
	return fd;
}

static int send_request(
	int fd, const char *host, const char *path, int64_t deadline_ms, struct err *e)
{
	bool is_ipv6 = strchr(host, ':') != NULL;
	_free_ char *request = xasprintf("GET %s HTTP/1.0\r\nHost: %s%s%s\r\n"
					 "Connection: close\r\n\r\n",
		path, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "");
	size_t length = strlen(request);

	for (size_t sent = 0; sent < length;) {
		ssize_t n = send(fd, request + sent, length - sent, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_set(
				e, ERR_NET, "could not send the request: %s", strerror(errno));
		if (wait_for(fd, POLLOUT, deadline_ms, e) < 0)
			return -1;
	}
	return 0;
}

static int read_answer(int fd, int64_t deadline_ms, char **text, size_t *length, struct err *e)
{
	size_t room = ANSWER_CHUNK;
	size_t used = 0;
	_free_ char *answer = xcalloc(room, 1);

	for (;;) {
		if (room - used < 2) {
			room += ANSWER_CHUNK;
			answer = xrealloc(answer, room, 1);
		}
		ssize_t n = recv(fd, answer + used, room - used - 1, 0);
		if (n == 0)
			break;
		if (n > 0) {
			used += (size_t)n;
			if (used > ANSWER_MAX)
				return err_set(e, ERR_NET, "the answer is larger than %d bytes",
					ANSWER_MAX);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_set(e, ERR_NET, "the connection broke: %s", strerror(errno));
		if (wait_for(fd, POLLIN, deadline_ms, e) < 0)
			return -1;
	}
	answer[used] = '\0';
	*text = take_ptr(answer);
	*length = used;
	return 0;
}

/* The value of Content-Length among the header lines, or -1. */
static long long content_length(const char *headers, const char *end)
{
	static const char name[] = "\nContent-Length:";

	for (const char *c = headers; c < end; c++)
		if (strncasecmp(c, name, sizeof(name) - 1) == 0)
			return strtoll(c + sizeof(name) - 1, NULL, 10);
	return -1;
}

int http_parse_answer(
	const char *text, size_t length, int *status, const char **body, struct err *e)
{
	int code = 0;

	if (sscanf(text, "HTTP/1.%*1[01] %3d", &code) != 1 || code < 100)
		return err_set(e, ERR_NET, "the answer is not HTTP");
	const char *end = strstr(text, "\r\n\r\n");
	if (!end)
		return err_set(e, ERR_NET, "the answer ends within its header");
	const char *start = end + 4;
	long long promised = content_length(text, end);
	if (promised > (long long)(length - (size_t)(start - text)))
		return err_set(
			e, ERR_NET, "the answer ends before its %lld bytes have come", promised);
	*status = code;
	*body = start;
	return 0;
}

static int ask(const char *host, int port, const char *path, int64_t deadline_ms, int *status,
	char **body, struct err *e)
{
	_free_ char *text = NULL;
	const char *start = NULL;
	size_t length = 0;

	_close_ int fd = connect_to_host(host, port, deadline_ms, e);
	if (fd < 0 || send_request(fd, host, path, deadline_ms, e) < 0 ||
		read_answer(fd, deadline_ms, &text, &length, e) < 0 ||
		http_parse_answer(text, length, status, &start, e) < 0)
		return -1;
	if (body)
		*body = xstrdup(start);
	return 0;
}

int http_get(const char *host, int port, const char *path, int timeout_ms, int *status, char **body,
	struct err *e)
{
	if (ask(host, port, path, clock_now_ms() + timeout_ms, status, body, e) < 0)
		return err_wrap(e, "could not get http://%s:%d%s", host, port, path);
	return 0;
}
