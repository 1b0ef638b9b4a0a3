#include "sql/lookup.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

#include "base/banned.h"

static const int families[] = { AF_INET, AF_INET6 };

struct question {
	struct lookup *lookup;
	struct evdns_getaddrinfo_request *request; /* NULL once it is answered */
};

struct lookup {
	struct evdns_base *dns;
	struct event *step; /* tells the outcome, and frees when no question is open */
	struct question questions[ARRAY_LEN(families)];
	size_t open;
	char address[INET6_ADDRSTRLEN];
	int failure;
	lookup_done_fn done; /* NULL once told or cancelled */
	void *ctx;
};

/* The caller logs the outcome of its look-up once; libevent would log each step. */
static void on_dns_message(int is_warning, const char *message)
{
	(void)is_warning;
	log_debug("%s", message);
}

/* Without a resolv.conf there are still the names of /etc/hosts. */
static struct evdns_base *open_dns(struct event_base *loop)
{
	evdns_set_log_fn(on_dns_message);
	struct evdns_base *dns = evdns_base_new(
		loop, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	if (!dns) {
		dns = evdns_base_new(loop, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		evdns_base_load_hosts(dns, "/etc/hosts");
	}
	/* A packet that is lost is sent again well within a connection's deadline. */
	evdns_base_set_option(dns, "timeout:", "1");
	/* Some servers answer in small letters only, and the answer would be thrown away. */
	evdns_base_set_option(dns, "randomize-case:", "0");
	return dns;
}

/* A question that is cancelled is still answered, later. */
static void cancel_questions(struct lookup *l)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (l->questions[i].request)
			evdns_getaddrinfo_cancel(l->questions[i].request);
}

static void keep_address(struct lookup *l, const struct evutil_addrinfo *list)
{
	const void *address =
		list->ai_family == AF_INET6
			? (const void *)&((const struct sockaddr_in6 *)(const void *)list->ai_addr)
				  ->sin6_addr
			: &((const struct sockaddr_in *)(const void *)list->ai_addr)->sin_addr;

	if (!l->address[0])
		inet_ntop(list->ai_family, address, l->address, sizeof(l->address));
}

static void on_answer(int result, struct evutil_addrinfo *list, void *arg)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;

	q->request = NULL;
	l->open--;
	/* A name of /etc/hosts without an address of this family: success, and an empty list. */
	if (result == 0 && !list)
		result = EVUTIL_EAI_NODATA;
	if (result == 0)
		keep_address(l, list);
	else if (!l->failure || q == &l->questions[0])
		l->failure = result;
	if (list)
		evutil_freeaddrinfo(list);
	if (l->address[0] || l->open == 0)
		event_active(l->step, EV_TIMEOUT, 1);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;
	lookup_done_fn done = l->done;

	(void)fd;
	(void)what;
	l->done = NULL;
	if (done) {
		cancel_questions(l);
		done(l->ctx, l->address[0] ? l->address : NULL, evutil_gai_strerror(l->failure));
	}
	if (l->open > 0)
		return;
	event_free(l->step);
	evdns_base_free(l->dns, 0);
	free(l);
}

struct lookup *lookup_start(
	struct event_base *loop, const char *host, lookup_done_fn done, void *ctx)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->dns = open_dns(loop);
	l->step = evtimer_new(loop, on_step, l);
	l->done = done;
	l->ctx = ctx;
	l->open = ARRAY_LEN(families);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct evutil_addrinfo hints = { .ai_family = families[i],
			.ai_socktype = SOCK_STREAM };
		struct question *q = &l->questions[i];

		q->lookup = l;
		/* NULL when it was answered inside of the call. */
		struct evdns_getaddrinfo_request *request =
			evdns_getaddrinfo(l->dns, host, NULL, &hints, on_answer, q);
		if (request)
			q->request = request;
	}
	return l;
}

void lookup_cancel(struct lookup *l)
{
	if (!l)
		return;
	l->done = NULL;
	cancel_questions(l);
	event_active(l->step, EV_TIMEOUT, 1);
}
