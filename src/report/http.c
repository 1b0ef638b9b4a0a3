#include "report/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "node/address.h"
#include "report/metrics.h"
#include "report/probes.h"
#include "report/status.h"

#include "base/banned.h"

enum {
	CONNECTIONS_MAX = 64,
	HEADER_MAX = 8 * 1024,
	DEADLINE_S = 10,
	ACCEPT_PAUSE_S = 1,
};

TAILQ_HEAD(connections, connection);

struct http {
	struct event_base *loop;
	const struct node_view *view;
	struct evconnlistener *listener;
	struct event *accept_again;
	struct connections connections; /* the oldest first */
	int count;
	http_scraped_fn scraped;
	void *ctx;
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct http *http;
	struct bufferevent *stream;
	struct event *deadline;
	char *request; /* the request line, once it has come */
	size_t header_bytes;
	bool is_answered;
	bool is_client_done; /* it has closed its side, and may still read the answer */
};

struct page {
	const char *path;
	const char *type;
	int (*write)(const struct node_view *view, FILE *body); /* returns the status */
};

static const char text_plain[] = "text/plain; charset=utf-8";

static int write_livez(const struct node_view *view, FILE *body)
{
	(void)view;
	fputs("ok\n", body);
	return 200;
}

static int write_probe(bool is_good, const char *reason, FILE *body)
{
	fprintf(body, "%s\n", is_good ? "ok" : reason);
	return is_good ? 200 : 503;
}

static int write_readyz(const struct node_view *view, FILE *body)
{
	char reason[NODE_REASON_MAX];
	bool is_ready = node_view_is_ready(view, reason, sizeof(reason));

	return write_probe(is_ready, reason, body);
}

static int write_startupz(const struct node_view *view, FILE *body)
{
	char reason[NODE_REASON_MAX];
	bool is_started = node_view_is_started(view, reason, sizeof(reason));

	return write_probe(is_started, reason, body);
}

static int write_metrics(const struct node_view *view, FILE *body)
{
	metrics_print(view, body);
	return 200;
}

static int write_status(const struct node_view *view, FILE *body)
{
	json_t *status = status_of(view);

	json_dumpf(status, body, JSON_INDENT(2));
	json_decref(status);
	fputc('\n', body);
	return 200;
}

static const struct page pages[] = {
	{ "/livez", text_plain, write_livez },
	{ "/readyz", text_plain, write_readyz },
	{ "/startupz", text_plain, write_startupz },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics },
	{ "/status", "application/json", write_status },
};

/* The answers that need no page. */
static const struct {
	int status;
	const char *words;
} status_words[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 431, "Request Header Fields Too Large" },
	{ 503, "Service Unavailable" },
};

static const char *words_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
		if (status_words[i].status == status)
			return status_words[i].words;
	return "Error";
}

static void drop(struct connection *c)
{
	struct http *http = c->http;

	TAILQ_REMOVE(&http->connections, c, link);
	http->count--;
	event_free(c->deadline);
	bufferevent_free(c->stream);
	free(c->request);
	free(c);
}

static void free_body(const void *data, size_t length, void *body)
{
	(void)data;
	(void)length;
	free(body);
}

enum answer_body { BODY_SENT, BODY_LEFT_OUT };

/* Takes over body. */
static void send_answer(struct connection *c, int status, const char *type, char *body,
	size_t length, enum answer_body what)
{
	struct evbuffer *output = bufferevent_get_output(c->stream);

	c->is_answered = true;
	evbuffer_add_printf(output,
		"HTTP/1.1 %d %s\r\n"
		"Content-Type: %s\r\n"
		"Content-Length: %zu\r\n"
		"Cache-Control: no-store\r\n"
		"%s"
		"Connection: close\r\n\r\n",
		status, words_of(status), type, length,
		status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (what == BODY_LEFT_OUT ||
		evbuffer_add_reference(output, body, length, free_body, body) < 0)
		free(body);
	bufferevent_enable(c->stream, EV_WRITE);
}

static void send_words(struct connection *c, int status, const char *words)
{
	char *body = xasprintf("%s\n", words);

	send_answer(c, status, text_plain, body, strlen(body), BODY_SENT);
}

static void send_list_of_pages(struct connection *c)
{
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);

	fputs("no such page; there are:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		fprintf(out, "%s\n", pages[i].path);
	fclose(out);
	send_answer(c, 404, text_plain, body, length, BODY_SENT);
}

static void send_page(struct connection *c, const struct page *page, enum answer_body what)
{
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);

	int status = page->write(c->http->view, out);
	fclose(out);
	send_answer(c, status, page->type, body, length, what);
	if (page->write == write_metrics && c->http->scraped)
		c->http->scraped(c->http->ctx);
}

/* "GET /readyz?verbose HTTP/1.1": the words are separated by one blank each (RFC 9112). */
static void answer(struct connection *c)
{
	char *rest = c->request;
	const char *method = strsep(&rest, " ");
	char *target = strsep(&rest, " ");

	if (!target || !rest || strncmp(rest, "HTTP/1.", 7) != 0) {
		send_words(c, 400, "this is not HTTP/1");
		return;
	}
	bool is_head = strcmp(method, "HEAD") == 0;
	if (!is_head && strcmp(method, "GET") != 0) {
		send_words(c, 405, "only GET and HEAD: this port takes no command");
		return;
	}
	const char *path = strsep(&target, "?");
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		if (strcmp(path, pages[i].path) == 0) {
			send_page(c, &pages[i], is_head ? BODY_LEFT_OUT : BODY_SENT);
			return;
		}
	}
	send_list_of_pages(c);
}

/* Keeps the request line and skips the other header lines, up to the empty one. */
static void on_read(struct bufferevent *stream, void *ctx)
{
	struct connection *c = ctx;
	struct evbuffer *input = bufferevent_get_input(stream);

	while (!c->is_answered) {
		size_t length = 0;
		_free_ char *line = evbuffer_readln(input, &length, EVBUFFER_EOL_CRLF);

		c->header_bytes += length;
		if (c->header_bytes > HEADER_MAX ||
			(!line && evbuffer_get_length(input) >= HEADER_MAX))
			send_words(c, 431, "the request's header is too large");
		else if (!line)
			return;
		else if (!c->request)
			c->request = take_ptr(line);
		else if (length == 0)
			answer(c);
	}
	/* Unread bytes would turn the close into a reset, which can cost the client the answer. */
	evbuffer_drain(input, evbuffer_get_length(input));
}

/* All has been handed to the kernel: say so, and let the client close first. */
static void on_written(struct bufferevent *stream, void *ctx)
{
	struct connection *c = ctx;

	if (c->is_client_done)
		drop(c);
	else if (c->is_answered)
		shutdown(bufferevent_getfd(stream), SHUT_WR);
}

static void on_end(struct bufferevent *stream, short what, void *ctx)
{
	struct connection *c = ctx;

	c->is_client_done = true;
	if (!(what & BEV_EVENT_EOF) || evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		drop(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drop(ctx);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
	int from_size, void *ctx)
{
	static const struct timeval deadline = { .tv_sec = DEADLINE_S };
	struct http *http = ctx;

	(void)listener;
	(void)from;
	(void)from_size;
	if (http->count == CONNECTIONS_MAX)
		drop(TAILQ_FIRST(&http->connections));

	struct connection *c = xcalloc(1, sizeof(*c));
	c->http = http;
	c->stream = bufferevent_socket_new(http->loop, fd, BEV_OPT_CLOSE_ON_FREE);
	c->deadline = evtimer_new(http->loop, on_deadline, c);
	TAILQ_INSERT_TAIL(&http->connections, c, link);
	http->count++;
	evtimer_add(c->deadline, &deadline);
	bufferevent_setcb(c->stream, on_read, on_written, on_end, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, HEADER_MAX);
	bufferevent_enable(c->stream, EV_READ);
}

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;

	(void)fd;
	(void)what;
	evconnlistener_enable(http->listener);
}

/* Out of descriptors or memory: the loop would come back at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_S };
	struct http *http = ctx;

	log_warning("could not accept an HTTP connection: %s; trying again in %d s",
		strerror(errno), ACCEPT_PAUSE_S);
	evconnlistener_disable(listener);
	evtimer_add(http->accept_again, &pause);
}

struct http *http_open(
	struct event_base *loop, const char *address, const struct node_view *view, struct err *e)
{
	struct sockaddr_storage to = { 0 };
	struct address checked;
	int size = sizeof(to);

	if (address_parse(address, &checked, e) < 0)
		return NULL;
	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&to, &size) < 0) {
		err_set(e, ERR_CONFIG, "\"%s\" is not an address to listen on", address);
		return NULL;
	}
	struct http *http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	http->view = view;
	TAILQ_INIT(&http->connections);
	http->accept_again = evtimer_new(loop, on_accept_again, http);
	http->listener = evconnlistener_new_bind(loop, on_accept, http,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, CONNECTIONS_MAX,
		(struct sockaddr *)&to, size);
	if (!http->listener) {
		err_sys(e, "could not listen on \"%s\" for HTTP", address);
		http_close(http);
		return NULL;
	}
	evconnlistener_set_error_cb(http->listener, on_accept_error);
	return http;
}

void http_on_scraped(struct http *http, http_scraped_fn fn, void *ctx)
{
	http->scraped = fn;
	http->ctx = ctx;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	while (!TAILQ_EMPTY(&http->connections))
		drop(TAILQ_FIRST(&http->connections));
	if (http->listener)
		evconnlistener_free(http->listener);
	event_free(http->accept_again);
	free(http);
}
