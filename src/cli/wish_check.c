#include "cli/wish_check.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/mem.h"
#include "cli/clean.h"
#include "cli/status_json.h"

#include "base/banned.h"

enum { TOKEN_SIZE = 17 };

static enum exit_code refuse(enum exit_code code, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum exit_code refuse(enum exit_code code, struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_text(text);
	err_set(e, ERR_REFUSED, "%s", text);
	return code;
}

static const json_t *member_of_ordinal(const json_t *cluster, long ordinal)
{
	const json_t *member;
	size_t i;

	json_array_foreach(json_object_get(cluster, "members"), i, member)
	{
		if (json_integer_value(json_object_get(member, "ordinal")) == ordinal &&
			status_json_words(member, "name"))
			return member;
	}
	return NULL;
}

/* A worker that answers must be new: another one may be a part of a cluster that would go on beside
 * the new one, and both would write into shards of the same names. */
static enum exit_code check_left_out(const json_t *member, struct err *e)
{
	static const char *const may_be[] = { "new", "unreachable", "hanging" };
	const char *name = status_json_words(member, "name");
	const char *state = status_json_words(member, "state");
	const char *cluster_id = status_json_words(member, "cluster_id");
	const char *reason = status_json_words(member, "reason");

	if (cluster_id)
		return refuse(EXIT_UNSUITABLE, e,
			"%s belongs to cluster %s: a cluster that is formed without it would share "
			"it with that one; give it its own volume, or if that cluster's "
			"coordinator has lost its volume: \"citus-init form --abandon %s\"",
			name, cluster_id, cluster_id);
	for (size_t i = 0; state && i < ARRAY_LEN(may_be); i++)
		if (strcmp(state, may_be[i]) == 0)
			return EXIT_OK;
	return refuse(EXIT_UNSUITABLE, e,
		"%s is %s%s%s: only a worker that is silent or new can be left out", name,
		state ? state : "in no known state", reason ? ", " : "", reason ? reason : "");
}

enum exit_code wish_check_without(
	const json_t *status, const char *list, char **names, struct err *e)
{
	const json_t *cluster = status_json_cluster(status, e);
	_free_ char *text = NULL;

	if (!cluster)
		return EXIT_UNSUITABLE;
	if (status_json_is_true(cluster, "formed"))
		return refuse(EXIT_UNSUITABLE, e,
			"the cluster is already formed: it waits for nobody, and a worker joins "
			"when it comes");
	for (const char *rest = list; rest;) {
		char *end;
		long ordinal = *rest >= '0' && *rest <= '9' ? strtol(rest, &end, 10) : -1;
		const json_t *member = ordinal > 0 ? member_of_ordinal(cluster, ordinal) : NULL;

		if (ordinal == 0)
			return refuse(EXIT_USAGE, e,
				"ordinal 0 is the coordinator: a cluster cannot be formed "
				"without it");
		if (ordinal < 0 || (*end && *end != ','))
			return refuse(
				EXIT_USAGE, e, "\"%s\" is not a list of ordinals, e.g. 2,3", list);
		if (!member)
			return refuse(EXIT_USAGE, e, "there is no worker %ld: SET_SIZE is %lld",
				ordinal,
				(long long)json_integer_value(json_object_get(cluster, "size")));
		enum exit_code code = check_left_out(member, e);
		if (code != EXIT_OK)
			return code;
		_free_ char *before = take_ptr(text);
		text = xasprintf("%s%s%s", before ? before : "", before ? "," : "",
			status_json_words(member, "name"));
		rest = *end ? end + 1 : NULL;
	}
	*names = take_ptr(text);
	return EXIT_OK;
}

/* Sixteen digits for a list of words, each ended by a newline. */
static void make_token(const char *words, char token[TOKEN_SIZE])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)words, strlen(words), digest);
	hex_encode(digest, (TOKEN_SIZE - 1) / 2, token);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The workers with their identifiers; their order does not matter. */
static char *list_of(char **workers, size_t count)
{
	char *list = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&list, &size);

	if (!out)
		abort();
	qsort(workers, count, sizeof(*workers), by_text);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "", workers[i]);
	fclose(out);
	return list;
}

static void print_member(FILE *out, const json_t *member)
{
	const char *name = status_json_words(member, "name");
	const char *state = status_json_words(member, "state");
	const char *reason = status_json_words(member, "reason");

	fputs("  ", out);
	clean_print(out, name ? name : "-");
	fputs(" (", out);
	clean_print(out, state ? state : "-");
	fputs(")", out);
	if (reason) {
		fputs(": ", out);
		clean_print(out, reason);
	}
	fputc('\n', out);
}

static bool belongs_to(const json_t *member, const char *id)
{
	const char *its = status_json_words(member, "cluster_id");

	return its && status_json_words(member, "name") && strcasecmp(its, id) == 0;
}

/* The list of what is abandoned. */
static void print_orphans(FILE *out, const json_t *members, const char *id)
{
	const json_t *member;
	bool is_first = true;
	size_t i;

	fprintf(out, "These workers belong to cluster %s, and their data with it:\n", id);
	json_array_foreach(members, i, member)
	{
		if (belongs_to(member, id))
			print_member(out, member);
	}
	json_array_foreach(members, i, member)
	{
		if (i == 0 || json_is_true(json_object_get(member, "reachable")) ||
			belongs_to(member, id))
			continue;
		if (is_first)
			fputs("These do not answer, and may belong to it too; they are not part "
			      "of this, and keep their data:\n",
				out);
		is_first = false;
		print_member(out, member);
	}
	fprintf(out,
		"Each that belongs to it will rename its data directory to data.abandoned.%s, on "
		"its volume, and start again with a new, empty one. No command undoes that.\n",
		id);
}

/* The list of the workers that say, or said last, that they belong to the cluster; NULL for none.
 * id becomes as they write it. */
static char *workers_of(const json_t *members, const char **id)
{
	_free_ char **workers = xcalloc(json_array_size(members) + 1, sizeof(*workers));
	const char *as_written = NULL;
	const json_t *member;
	size_t i, count = 0;

	json_array_foreach(members, i, member)
	{
		const char *identifier = status_json_words(member, "system_identifier");
		if (!belongs_to(member, *id))
			continue;
		as_written = status_json_words(member, "cluster_id");
		workers[count++] = xasprintf(
			"%s=%s", status_json_words(member, "name"), identifier ? identifier : "");
	}
	char *list = count ? list_of(workers, count) : NULL;
	for (i = 0; i < count; i++)
		free(workers[i]);
	*id = count ? as_written : *id;
	return list;
}

enum exit_code wish_check_abandon(const json_t *status, const char *asked, const char *confirm,
	FILE *out, char **id, char **workers, struct err *e)
{
	const json_t *cluster = status_json_cluster(status, e);
	const json_t *members = json_object_get(cluster, "members");
	const char *own = status_json_words(cluster, "id");
	const char *as_written = asked;
	char token[TOKEN_SIZE];

	if (!cluster)
		return EXIT_UNSUITABLE;
	if (own)
		return refuse(EXIT_UNSUITABLE, e,
			"this coordinator belongs to cluster %s itself: only an empty "
			"coordinator can abandon another cluster",
			own);
	_free_ char *list = workers_of(members, &as_written);
	if (!list)
		return refuse(EXIT_UNSUITABLE, e,
			"no worker says that it belongs to cluster \"%s\"; \"citus-init status\" "
			"shows what they say",
			asked);
	_free_ char *words = xasprintf("%s\n%s\n", as_written, list);
	make_token(words, token);
	if (!confirm || strcmp(confirm, token) != 0) {
		print_orphans(out, members, as_written);
		fprintf(out, "To do it:\n  citus-init form --abandon %s --confirm %s\n", as_written,
			token);
		return refuse(EXIT_UNCONFIRMED, e,
			confirm ? "the token is for another list of workers: nothing was done"
				: "nothing was done yet");
	}
	*id = xstrdup(as_written);
	*workers = take_ptr(list);
	return EXIT_OK;
}

static void print_names(FILE *out, const json_t *members)
{
	const json_t *member;
	size_t i;

	json_array_foreach(members, i, member)
	{
		const char *name = status_json_words(member, "name");

		fprintf(out, "%s%s", i ? ", " : "", name ? name : "-");
	}
}

static enum exit_code refuse_unknown(const json_t *cluster, const char *node, struct err *e)
{
	_free_ char *names = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&names, &size);

	if (!out)
		abort();
	print_names(out, json_object_get(cluster, "members"));
	fclose(out);
	return refuse(EXIT_UNSUITABLE, e, "there is no node \"%s\"; the nodes are %s", node, names);
}

enum exit_code wish_check_accept_loss(
	const json_t *status, const char *node, const char *confirm, FILE *out, struct err *e)
{
	const json_t *cluster = status_json_cluster(status, e);
	const json_t *member = cluster ? status_json_member(status, node) : NULL;
	const char *state = status_json_words(member, "state");
	const char *loss = status_json_words(member, "loss");
	const char *token = status_json_words(member, "loss_token");

	if (!cluster)
		return EXIT_UNSUITABLE;
	if (!member)
		return refuse_unknown(cluster, node, e);
	if (!token && (!state || strcmp(state, "empty") != 0))
		return refuse(EXIT_UNSUITABLE, e,
			"%s is not empty (it is %s): there is no loss to accept", node,
			state ? state : "in no known state");
	if (!loss || !token)
		return refuse(EXIT_UNSUITABLE, e,
			"%s is empty, but nothing is known to be lost with it: it is brought "
			"back automatically",
			node);
	if (confirm && strcmp(confirm, token) == 0)
		return EXIT_OK;
	fprintf(out, "Lost with the former directory of %s: ", node);
	clean_print(out, loss);
	fprintf(out,
		".\n"
		"If its volume still exists, give it back: then nothing is lost. Otherwise the "
		"lost shards of the databases that citus-init manages are made again, empty, and "
		"%s comes back without their rows; its former directory is refused from then "
		"on.\n"
		"To accept exactly this loss:\n"
		"  citus-init accept-loss %s --confirm ",
		node, node);
	clean_print(out, token);
	fputc('\n', out);
	return refuse(EXIT_UNCONFIRMED, e,
		confirm ? "the token is for another loss: nothing was done"
			: "nothing was done yet");
}

static void print_moves(FILE *out, const json_t *members, bool as_new)
{
	const json_t *member;
	size_t i;

	fputs("This set has other addresses than its cluster is registered under:\n", out);
	json_array_foreach(members, i, member)
	{
		const char *move = status_json_words(member, "move");
		const char *name = status_json_words(member, "name");

		if (!move)
			continue;
		fputs("  ", out);
		clean_print(out, name ? name : "-");
		fputs(": ", out);
		clean_print(out, move);
		fputc('\n', out);
	}
	fputs(as_new ? "As a new cluster this copy takes an id of its own first, and then these "
		       "addresses: from then on it and its original are two clusters, which "
		       "never become one again.\n"
		     : "Adopting them registers this set as the cluster. Do it only if nothing will "
		       "run under the old addresses any more: two sets of one cluster would differ "
		       "from then on. It is refused while somebody answers there as this cluster. "
		       "For a copy that is to live beside its original: \"citus-init adopt "
		       "--as-new-cluster\".\n",
		out);
}

enum exit_code wish_check_adopt(const json_t *status, bool as_new, const char *confirm, FILE *out,
	char **token, struct err *e)
{
	const json_t *cluster = status_json_cluster(status, e);
	const json_t *members = json_object_get(cluster, "members");
	const char *state = status_json_words(json_array_get(members, 0), "state");
	const char *adoption = status_json_words(cluster, "adoption_token");
	const char *hindrance = status_json_words(cluster, "adoption_hindrance");
	char asked[TOKEN_SIZE];

	if (!cluster)
		return EXIT_UNSUITABLE;
	if (!state || strcmp(state, "misplaced") != 0 || !adoption)
		return refuse(EXIT_UNSUITABLE, e,
			"the coordinator is not misplaced (it is %s): there are no addresses to "
			"adopt",
			state ? state : "in no known state");
	if (hindrance)
		return refuse(EXIT_UNSUITABLE, e,
			"every node of this set must have answered as the node that it was: %s",
			hindrance);
	/* One that was given for the one is not good for the other. */
	_free_ char *words = xasprintf("%s\n%s\n", as_new ? "as new" : "as it is", adoption);
	make_token(words, asked);
	if (confirm && strcmp(confirm, asked) == 0) {
		*token = xstrdup(adoption);
		return EXIT_OK;
	}
	print_moves(out, members, as_new);
	fprintf(out, "To do it:\n  citus-init adopt %s--confirm %s\n",
		as_new ? "--as-new-cluster " : "", asked);
	return refuse(EXIT_UNCONFIRMED, e,
		confirm ? "the token is for other addresses: nothing was done"
			: "nothing was done yet");
}
