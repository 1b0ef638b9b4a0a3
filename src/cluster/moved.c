#include "cluster/moved.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"

#include "base/banned.h"

enum { TOKEN_BYTES = 8 };

const struct address *moved_from(const struct cluster *c, int ordinal)
{
	const struct address *known = ordinal > 0 ? &c->workers[ordinal - 1].row->record.address
						  : &c->catalog.facts.address;

	return known->host[0] ? known : NULL;
}

/* Whether it has answered as the very directory that is remembered; says what is wrong. */
static bool is_itself(const struct cluster *c, const struct worker *w, char *why, size_t size)
{
	const struct member_facts *facts = watch_facts(w->watch);
	const struct member_record *record = &w->row->record;
	const char *wrong = NULL;

	if (facts->look != LOOK_ANSWERED)
		wrong = "does not answer";
	else if (!cluster_has_id(&c->catalog.facts, facts->cluster_id))
		wrong = "does not belong to this cluster";
	else if (strcmp(facts->name, w->view->name) != 0 ||
		 strcmp(facts->system_identifier, record->system_identifier) != 0)
		wrong = "is not the directory that is remembered by this name";
	else if (epoch_compare(&facts->epoch, record) != EPOCH_CURRENT)
		wrong = "is not in the epoch that is remembered: one of the two is an older copy";
	if (wrong)
		snprintf(why, size, "%s %s", w->view->name, wrong);
	return !wrong;
}

/* "" when nothing does. */
static void say_what_hinders(const struct cluster *c, char *why, size_t size)
{
	why[0] = '\0';
	for (int i = 0; i < c->count; i++)
		if (c->workers[i].row->record.registered &&
			!is_itself(c, &c->workers[i], why, size))
			return;
}

static void say_move(const struct cluster *c, struct member *m)
{
	const struct address *from = moved_from(c, m->ordinal);

	m->move[0] = '\0';
	if (from && !address_is(from, m->host, c->id->port))
		snprintf(m->move, sizeof(m->move), "%s:%d -> %s:%d", from->host, from->port,
			m->host, c->id->port);
}

/* The same while the rows are changed, for what is remembered changes last; and for a copy that has
 * taken an id of its own meanwhile. */
static void make_token(const struct cluster *c, char token[2 * TOKEN_BYTES + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *words = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&words, &length);

	if (!out)
		abort();
	fprintf(out, "%s\n%s\n", c->catalog.facts.system_identifier, c->view->members[0].move);
	for (int i = 0; i < c->count; i++) {
		const struct address *known = &c->workers[i].row->record.address;
		fprintf(out, "%s:%d %s:%d\n", known->host, known->port, c->workers[i].view->host,
			c->id->port);
	}
	fclose(out);
	SHA256((const unsigned char *)words, length, digest);
	hex_encode(digest, TOKEN_BYTES, token);
	free(words);
}

void moved_publish(struct cluster *c)
{
	struct cluster_view *view = c->view;
	bool is = view->members[0].state == MEMBER_MISPLACED;

	view->adoption_token[0] = view->adoption_hindrance[0] = '\0';
	for (int i = 0; i < view->count; i++)
		view->members[i].move[0] = '\0';
	if (!is)
		return;
	for (int i = 0; i < view->count; i++)
		say_move(c, &view->members[i]);
	say_what_hinders(c, view->adoption_hindrance, sizeof(view->adoption_hindrance));
	make_token(c, view->adoption_token);
}
