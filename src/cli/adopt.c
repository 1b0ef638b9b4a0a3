/*
 * citus-init adopt: registers the cluster under the addresses that this set has
 * now; a copy that is to live beside its original takes an id of its own first.
 * The token stands for exactly these old and new addresses. It waits for what
 * the agent says, since that asks first who is under the old ones.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/status_json.h"
#include "cli/wish.h"
#include "cli/wish_check.h"

#include "base/banned.h"

enum { WAIT_MS = 60 * 1000, ASK_EVERY_MS = 300 };

static bool is_misplaced(const json_t *cluster)
{
	const json_t *own = json_array_get(json_object_get(cluster, "members"), 0);
	const char *state = status_json_words(own, "state");

	return state && strcmp(state, "misplaced") == 0;
}

static long long refusals_of(const json_t *cluster)
{
	return json_integer_value(json_object_get(cluster, "adoption_refusals"));
}

/* What has come of the wish; refusals is how many there were before it. */
static enum exit_code wait_for_agent(const struct place *p, long long refusals, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + WAIT_MS;

	while (clock_now_ms() < deadline_ms) {
		json_t *status = status_json_ask(&p->http, e);
		const json_t *cluster = status ? status_json_cluster(status, e) : NULL;
		enum exit_code code = EXIT_UNCONFIRMED;

		if (cluster && refusals_of(cluster) > refusals) {
			const char *why = status_json_words(cluster, "adoption_refused");
			err_set(e, ERR_REFUSED, "nothing was changed: %s", why ? why : "-");
			code = EXIT_UNSUITABLE;
		} else if (cluster && !is_misplaced(cluster)) {
			printf("the cluster is registered under the addresses of this set now; "
			       "it opens in a moment\n");
			code = EXIT_OK;
		}
		json_decref(status);
		if (code != EXIT_UNCONFIRMED)
			return code;
		(void)poll(NULL, 0, ASK_EVERY_MS);
	}
	err_set(e, ERR_TIMEOUT,
		"the agent has not finished within %d s, and goes on; \"citus-init status\" and "
		"the log show how far it is",
		WAIT_MS / 1000);
	return EXIT_UNAVAILABLE;
}

static int adopt(const struct place *p, bool as_new, const char *confirm, struct err *e)
{
	json_t *status = status_json_ask(&p->http, e);

	if (!status)
		return EXIT_UNAVAILABLE;
	_free_ char *token = NULL;
	enum exit_code code = wish_check_adopt(status, as_new, confirm, stdout, &token, e);
	long long refusals = refusals_of(json_object_get(status, "cluster"));
	json_decref(status);
	if (code != EXIT_OK)
		return (int)code;
	if (wish_make(p, WISH_ADOPT, token, as_new ? "as new cluster" : "", e) < 0)
		return (int)exit_code_of(e->kind);
	return (int)wait_for_agent(p, refusals, e);
}

int cli_adopt_main(int argc, char **argv)
{
	const char *confirm = NULL;
	bool as_new = argc > 1 && strcmp(argv[1], "--as-new-cluster") == 0;
	int rest = as_new ? 2 : 1;
	struct place p;
	struct err e;

	if (argc == rest + 2 && strcmp(argv[rest], "--confirm") == 0)
		confirm = argv[rest + 1];
	if (argc != rest && !confirm) {
		fprintf(stderr, "citus-init: usage: citus-init adopt [--as-new-cluster] [--confirm "
				"TOKEN]\n");
		return EXIT_USAGE;
	}
	int code = place_find(argv, &p);
	if (code == 0) {
		code = adopt(&p, as_new, confirm, &e);
		if (code != EXIT_OK)
			fprintf(stderr, "citus-init: %s\n", e.msg);
	}
	place_fini(&p);
	return code;
}
