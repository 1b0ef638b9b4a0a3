/*
 * The agent's HTTP over real sockets, client and server in one thread: the
 * kernel completes a connect by itself, the loop is turned by hand.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/http_get.h"
#include "base/mem.h"
#include "report/http.h"
#include "views.h"

enum { ANSWER_MAX = 64 * 1024, TURNS = 20 };

static struct {
	struct event_base *loop;
	struct http *http;
	struct sockaddr_in address;
	struct views views;
} t;

static int make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* A port that was free a moment ago. */
static void choose_port(void)
{
	socklen_t size = sizeof(t.address);
	_close_ int fd = make_socket();

	t.address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&t.address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&t.address, &size), 0);
}

static char *address_text(void)
{
	return xasprintf("127.0.0.1:%d", ntohs(t.address.sin_port));
}

static void start(void)
{
	struct err e = { 0 };

	choose_port();
	views_make(&t.views);
	t.loop = event_base_new();
	_free_ char *address = address_text();
	t.http = http_open(t.loop, address, &t.views.node, &e);
	ck_assert_msg(t.http != NULL, "%s", e.msg);
}

static void stop(void)
{
	http_close(t.http);
	event_base_free(t.loop);
}

static void turn(void)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(t.loop, EVLOOP_NONBLOCK);
}

static int connect_client(void)
{
	int fd = make_socket();

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&t.address, sizeof(t.address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t length = strlen(text);

	ck_assert_int_eq(send(fd, text, length, MSG_NOSIGNAL), (ssize_t)length);
	turn();
}

/* All until the server closes; fails when it does not. */
static char *hear(int fd)
{
	char *answer = xcalloc(ANSWER_MAX, 1);
	size_t used = 0;
	ssize_t n;

	for (int i = 0; i < 1000; i++) {
		turn();
		n = recv(fd, answer + used, ANSWER_MAX - used - 1, MSG_DONTWAIT);
		if (n == 0)
			return answer;
		if (n > 0)
			used += (size_t)n;
		else if (errno == ECONNRESET)
			return answer;
		else
			usleep(1000);
	}
	ck_abort_msg("the server does not close; so far: %s", answer);
	return answer;
}

static char *ask(const char *request)
{
	_close_ int fd = connect_client();

	say(fd, request);
	return hear(fd);
}

static const struct request_case {
	const char *request;
	int status;
	const char *type;
	const char *body; /* begins so; NULL: there is none */
} request_cases[] = {
	{ "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200, "text/plain", "ok\n" },
	{ "GET /livez HTTP/1.0\r\n\r\n", 200, "text/plain", "ok\n" },
	{ "GET /livez HTTP/1.0\n\n", 200, "text/plain", "ok\n" },
	{ "GET /readyz?verbose=1 HTTP/1.1\r\n\r\n", 200, "text/plain", "ok\n" },
	{ "GET /startupz HTTP/1.1\r\n\r\n", 200, "text/plain", "ok\n" },
	{ "GET /metrics HTTP/1.1\r\n\r\n", 200, "text/plain; version=0.0.4", "# HELP citus_init_" },
	{ "GET /status HTTP/1.1\r\n\r\n", 200, "application/json", "{\n  \"citus_init\"" },
	{ "HEAD /status HTTP/1.1\r\n\r\n", 200, "application/json", NULL },
	{ "GET / HTTP/1.1\r\n\r\n", 404, "text/plain", "no such page; there are:\n/livez\n" },
	{ "GET /livez/ HTTP/1.1\r\n\r\n", 404, "text/plain", "no such page" },
	{ "POST /status HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405, "text/plain", "only GET" },
	{ "BREW /status HTTP/1.1\r\n\r\n", 405, "text/plain", "only GET" },
	{ "GET /livez\r\n\r\n", 400, "text/plain", "this is not HTTP" },
	{ "\r\n\r\n", 400, "text/plain", "this is not HTTP" },
	{ "GET  /livez HTTP/1.1\r\n\r\n", 400, "text/plain", "this is not HTTP" },
	{ "GET /livez HTTP/2\r\n\r\n", 400, "text/plain", "this is not HTTP" },
	{ "\x16\x03\x01\x02\n\n", 400, "text/plain", "this is not HTTP" },
};

START_TEST(requests)
{
	const struct request_case *c = &request_cases[_i];
	_free_ char *answer = ask(c->request);
	_free_ char *first = xasprintf("HTTP/1.1 %d ", c->status);
	_free_ char *type = xasprintf("\r\nContent-Type: %s", c->type);
	struct err e = { 0 };
	const char *body;
	int status;

	ck_assert_msg(strncmp(answer, first, strlen(first)) == 0, "%s", answer);
	ck_assert_msg(strstr(answer, type) != NULL, "%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nConnection: close\r\n"));
	ck_assert_int_eq(c->status == 405, strstr(answer, "\r\nAllow: GET, HEAD\r\n") != NULL);
	if (!c->body) {
		ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
		ck_assert_ptr_null(strstr(answer, "Content-Length: 0"));
		return;
	}
	/* The reader of the commands agrees, and with the length too. */
	ck_assert_msg(
		http_parse_answer(answer, strlen(answer), &status, &body, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(status, c->status);
	ck_assert_msg(strncmp(body, c->body, strlen(c->body)) == 0, "%s", body);
}
END_TEST

START_TEST(each_request_reads_the_view_anew)
{
	_free_ char *before = ask("GET /readyz HTTP/1.1\r\n\r\n");
	t.views.node.postgres = POSTGRES_DOWN;
	_free_ char *after = ask("GET /readyz HTTP/1.1\r\n\r\n");
	_free_ char *startup = ask("GET /startupz HTTP/1.1\r\n\r\n");
	_free_ char *live = ask("GET /livez HTTP/1.1\r\n\r\n");

	ck_assert_int_eq(strncmp(before, "HTTP/1.1 200 ", 13), 0);
	ck_assert_int_eq(strncmp(after, "HTTP/1.1 503 ", 13), 0);
	ck_assert_str_eq(strstr(after, "\r\n\r\n"), "\r\n\r\npostgres is down\n");
	ck_assert_int_eq(strncmp(startup, "HTTP/1.1 503 ", 13), 0);
	ck_assert_int_eq(strncmp(live, "HTTP/1.1 200 ", 13), 0);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
	static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
	_close_ int fd = connect_client();

	for (const char *c = request; *c; c++)
		say(fd, (char[]){ *c, '\0' });
	_free_ char *answer = hear(fd);
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
}
END_TEST

/* As "printf ... | nc" does. */
START_TEST(a_client_that_has_closed_its_side_gets_its_answer)
{
	_close_ int fd = connect_client();

	ck_assert_int_gt(send(fd, "GET /metrics HTTP/1.1\r\n\r\n", 25, MSG_NOSIGNAL), 0);
	shutdown(fd, SHUT_WR);
	_free_ char *answer = hear(fd);
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	ck_assert_ptr_nonnull(strstr(answer, "citus_init_registration_failures_total 5\n"));
}
END_TEST

START_TEST(a_large_header_is_refused)
{
	_close_ int fd = connect_client();
	char line[1024];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	if (_i == 0) { /* lines without end */
		memcpy(line + sizeof(line) - 3, "\r\n", 2);
		say(fd, "GET /livez HTTP/1.1\r\n");
	} /* else one line without end */
	for (int i = 0; i < 9; i++)
		if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
			break;
	_free_ char *answer = hear(fd);
	ck_assert_msg(strncmp(answer, "HTTP/1.1 431 ", 13) == 0, "%s", answer);
}
END_TEST

/* Somebody who opens connections and says nothing cannot keep a probe out. */
START_TEST(the_oldest_connection_makes_room)
{
	int silent[200];

	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		silent[i] = connect_client();
		turn();
	}
	_free_ char *answer = ask("GET /livez HTTP/1.1\r\n\r\n");
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	char byte;
	ck_assert_int_eq(recv(silent[0], &byte, 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(recv(silent[ARRAY_LEN(silent) - 1], &byte, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		close(silent[i]);
	turn();
}
END_TEST

static const char *const bad_addresses[] = { "", "8008", "here:8008", "127.0.0.1",
	"127.0.0.1:99999" };

START_TEST(a_bad_address_is_told)
{
	struct err e = { 0 };

	ck_assert_ptr_null(http_open(t.loop, bad_addresses[_i], &t.views.node, &e));
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

START_TEST(a_port_in_use_is_told)
{
	_free_ char *address = address_text();
	struct err e = { 0 };

	ck_assert_ptr_null(http_open(t.loop, address, &t.views.node, &e));
	ck_assert_int_eq(e.kind, ERR_SYS);
	ck_assert_msg(strstr(e.msg, "could not listen on \"127.0.0.1:") == e.msg, "%s", e.msg);
	ck_assert_ptr_nonnull(strstr(e.msg, "Address already in use"));
}
END_TEST

Suite *suite_http(void);

Suite *suite_http(void)
{
	Suite *s = suite_create("http");
	TCase *c = tcase_create("http");

	tcase_add_checked_fixture(c, start, stop);
	tcase_add_loop_test(c, requests, 0, ARRAY_LEN(request_cases));
	tcase_add_test(c, each_request_reads_the_view_anew);
	tcase_add_test(c, a_request_may_come_byte_by_byte);
	tcase_add_test(c, a_client_that_has_closed_its_side_gets_its_answer);
	tcase_add_loop_test(c, a_large_header_is_refused, 0, 2);
	tcase_add_test(c, the_oldest_connection_makes_room);
	tcase_add_loop_test(c, a_bad_address_is_told, 0, ARRAY_LEN(bad_addresses));
	tcase_add_test(c, a_port_in_use_is_told);
	suite_add_tcase(s, c);
	return s;
}
