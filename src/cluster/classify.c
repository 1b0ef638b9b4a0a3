#include "cluster/classify.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

/* Whether shards can move between it and the coordinator; says what differs, naming both. */
static bool fits(const struct fitness *it, const struct fitness *ours, char *reason, size_t size)
{
	const struct {
		const char *what;
		const char *it;
		const char *ours;
		bool may_be_unknown; /* which "" then says */
	} same[] = {
		{ "Citus", it->citus, ours->citus, false },
		{ "encoding", it->encoding, ours->encoding, false },
		{ "locale provider", it->provider, ours->provider, false },
		{ "collation", it->collation, ours->collation, false },
		{ "locale", it->locale, ours->locale, false },
		{ "set of ICU rules", it->rules, ours->rules, false },
		{ "collation version", it->collation_version, ours->collation_version, false },
		{ "ICU's collation version", it->icu_version, ours->icu_version, false },
		{ "libc's collation version", it->libc_version, ours->libc_version, true },
	};

	if (it->server_version / 10000 != ours->server_version / 10000) {
		snprintf(reason, size, "it runs PostgreSQL %d, the coordinator %d",
			it->server_version / 10000, ours->server_version / 10000);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		if (strcmp(same[i].it, same[i].ours) == 0 ||
			(same[i].may_be_unknown && (!same[i].it[0] || !same[i].ours[0])))
			continue;
		snprintf(reason, size, "its %s is \"%s\", the coordinator's \"%s\"", same[i].what,
			same[i].it, same[i].ours);
		return false;
	}
	return true;
}

static bool fits_everywhere(const struct member_facts *facts, const struct cluster_facts *cluster,
	char *reason, size_t size)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!fits(&facts->databases[i].fitness, &cluster->databases[i].fitness, reason,
			    size))
			return false;
	return true;
}

/* Nothing of Citus is in it. */
static bool is_bare(const struct database_facts *it)
{
	return it->group == 0 && it->nodes == 0 && it->tables == 0 && it->shards == 0;
}

/* The first managed database with something of Citus in it, or NULL. */
static const struct database_facts *first_used(const struct member_facts *facts)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (!is_bare(&facts->databases[i]))
			return &facts->databases[i];
	return NULL;
}

bool classify_was_removed(const struct member_record *record, const struct member_entry *entries)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (entries[i].present)
			return false;
	return record->registered;
}

bool classify_is_disabled(const struct member_record *record, const struct member_entry *entries)
{
	for (int i = 0; i < MANAGED_COUNT; i++)
		if (entries[i].present && !entries[i].active)
			return record->registered;
	return false;
}

/* Its registration is confirmed, and nobody has removed it since. */
static bool is_registered(const struct member_case *c)
{
	return c->record->registered && !classify_was_removed(c->record, c->entries);
}

/* A member is known under its name: to us, or to Citus before we have confirmed it. */
static bool is_remembered(const struct member_case *c)
{
	bool is = is_registered(c);

	for (int i = 0; i < MANAGED_COUNT; i++)
		is |= c->entries[i].present && c->entries[i].active;
	return is;
}

/* What Citus' catalog places on it, in all managed databases. */
static long count_shards(const struct member_case *c)
{
	long shards = 0;

	for (int i = 0; i < MANAGED_COUNT; i++)
		shards += c->entries[i].shards;
	return shards;
}

static bool is_superseded(const struct cluster_facts *cluster, const char *system_identifier)
{
	for (int i = 0; i < cluster->superseded_count; i++)
		if (strcmp(cluster->superseded[i].system_identifier, system_identifier) == 0)
			return true;
	return false;
}

static bool is_same_identifier(const char *remembered, const char *own)
{
	return remembered[0] && strcmp(remembered, own) == 0;
}

/* A directory without a cluster id: new, wiped, or somebody else's from before citus-init. */
static enum member_state classify_unstamped(const struct member_case *c, char *reason, size_t size)
{
	const struct database_facts *used = first_used(c->facts);

	if (used) {
		snprintf(reason, size,
			"it holds Citus metadata (group %d, %lld nodes, %lld tables) but no cluster "
			"id",
			used->group, used->nodes, used->tables);
		return MEMBER_FOREIGN;
	}
	if (is_remembered(c)) {
		snprintf(reason, size,
			"its data directory is new, but a member with %ld shards is remembered "
			"under its name",
			count_shards(c));
		return MEMBER_EMPTY;
	}
	return MEMBER_NEW;
}

/* Under which other address Citus has the group, in a database: NULL for none. */
static const struct address *other_address_of(
	const struct cluster_facts *cluster, int database, int group)
{
	for (int i = 0; i < cluster->stranger_count; i++)
		if (cluster->strangers[i].database == database &&
			cluster->strangers[i].group == group)
			return &cluster->strangers[i].address;
	return NULL;
}

/* What somebody has done to it in Citus, in one database; MEMBER_UNKNOWN for nothing. */
static enum member_state classify_by_hand(const struct database_facts *it,
	const struct member_entry *entry, const struct address *other, char *reason, size_t size)
{
	bool is_marked = it->incarnation[0] != '\0';

	if (!entry->present && other) {
		snprintf(reason, size, "its group %d is %.180s:%d in pg_dist_node: another address",
			it->group, other->host, other->port);
		return MEMBER_MISPLACED;
	}
	if (!entry->present && (is_marked || it->group != 0)) {
		snprintf(reason, size, "Citus does not know it any more");
		return MEMBER_REMOVED;
	}
	if (entry->present && !entry->active &&
		(it->group == entry->group || (it->group == 0 && is_marked))) {
		snprintf(reason, size, "somebody disabled it in Citus");
		return MEMBER_DISABLED;
	}
	return MEMBER_UNKNOWN;
}

/* One managed database of the directory that is remembered. */
static enum member_state classify_database(const struct member_case *c, int database,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	const struct database_facts *it = &c->facts->databases[database];
	const struct member_entry *entry = &c->entries[database];
	const char *name = managed_databases[database];
	bool is_marked = it->incarnation[0] != '\0';

	if (is_marked && strcmp(it->incarnation, cluster->databases[database].incarnation) != 0) {
		snprintf(reason, size,
			"its database \"%s\" is a copy from before the coordinator's was dropped "
			"and made again",
			name);
		return MEMBER_FOREIGN;
	}
	if (it->group == 0 && !c->record->registered && (is_marked || !entry->active))
		return MEMBER_JOINING;
	/* Nothing of Citus is in it, not even the mark: there is nothing to lose. */
	if (!is_marked && is_bare(it) && !entry->present)
		return MEMBER_JOINING;
	enum member_state by_hand = classify_by_hand(
		it, entry, other_address_of(cluster, database, it->group), reason, size);
	if (by_hand != MEMBER_UNKNOWN)
		return by_hand;
	/* The mark is lost with the database, so a database that still has it has lost no data:
	 * when Citus stops keeping a node in sync, it clears the metadata and nothing else. */
	if (it->group == 0 && is_marked) {
		snprintf(reason, size, "Citus' metadata in its database \"%s\" has been cleared",
			name);
		return MEMBER_OURS;
	}
	if (is_bare(it)) {
		snprintf(reason, size,
			"its database \"%s\" was dropped and made again, but a member with %ld "
			"shards is remembered",
			name, entry->shards);
		return MEMBER_EMPTY;
	}
	if (!entry->present || entry->group != it->group) {
		snprintf(reason, size, "it is in group %d, which is not its group in pg_dist_node",
			it->group);
		return MEMBER_FOREIGN;
	}
	if (!entry->has_metadata)
		snprintf(reason, size, "Citus does not keep its metadata in sync");
	return MEMBER_OURS;
}

/* The gravest of its databases decides. */
static enum member_state classify_remembered(
	const struct member_case *c, const struct cluster_facts *cluster, char *reason, size_t size)
{
	static const int gravity[MEMBER_STATE_COUNT] = { [MEMBER_DISABLED] = 1,
		[MEMBER_JOINING] = 2,
		[MEMBER_EMPTY] = 3,
		[MEMBER_REMOVED] = 4,
		[MEMBER_MISPLACED] = 5,
		[MEMBER_FOREIGN] = 6 };
	enum member_state state = MEMBER_OURS;

	for (int i = 0; i < MANAGED_COUNT; i++) {
		char why[256] = "";
		enum member_state it = classify_database(c, i, cluster, why, sizeof(why));
		if (gravity[it] > gravity[state] || !reason[0])
			snprintf(reason, size, "%s", why);
		if (gravity[it] > gravity[state])
			state = it;
	}
	return state;
}

/* Its epoch may also be ahead, but then it is the coordinator that is older. */
static bool is_older(const struct member_facts *facts, const struct member_record *record,
	char *reason, size_t size)
{
	long long it = facts->epoch.number, known = record->epoch.number;

	switch (epoch_compare(&facts->epoch, record)) {
	case EPOCH_CURRENT:
	case EPOCH_AHEAD: return false;
	case EPOCH_BEHIND:
		snprintf(reason, size,
			"it is in epoch %lld, and the coordinator has seen it in epoch %lld: it "
			"was restored from an older copy",
			it, known);
		return true;
	case EPOCH_FORKED:
		snprintf(reason, size,
			"it is in another epoch %lld than the coordinator has seen it in: one of "
			"the two was restored from an older copy, and has gone on since",
			it);
		return true;
	}
	return true;
}

static void tell_another(const char *own, const char *known, char *reason, size_t size)
{
	snprintf(reason, size,
		"its system identifier is %s, but %s is remembered: it is another directory", own,
		known[0] ? known : "none");
}

/* Whether it is remembered under another address than this set has for it; says both. */
static bool is_elsewhere(const char *name, const struct address *known, const char *host, int port,
	char *reason, size_t size)
{
	if (!known->host[0] || address_is(known, host, port))
		return false;
	snprintf(reason, size, "%.40s is registered as %.80s:%d, and this set has it at %.80s:%d",
		name, known->host, known->port, host, port);
	return true;
}

/* By what is remembered alone: before its databases, or the coordinator's, may be asked. */
static enum member_state classify_returning(
	const struct member_case *c, const struct cluster_facts *cluster, char *reason, size_t size)
{
	const struct member_record *record = c->record;
	const char *own = c->facts->system_identifier;

	if (is_same_identifier(record->system_identifier, own)) {
		if (is_older(c->facts, record, reason, size))
			return MEMBER_OLDER;
		return is_elsewhere(
			       "it", &record->address, c->host, cluster->here.port, reason, size)
			       ? MEMBER_MISPLACED
			       : MEMBER_RETURNING;
	}
	if (is_same_identifier(record->successor, own))
		return MEMBER_RETURNING;
	tell_another(own, record->system_identifier, reason, size);
	return MEMBER_FOREIGN;
}

static enum member_state classify_stamped(
	const struct member_case *c, const struct cluster_facts *cluster, char *reason, size_t size)
{
	const struct member_facts *facts = c->facts;
	const struct member_record *record = c->record;
	const char *own = facts->system_identifier;
	const char *seen = record->system_identifier;

	if (!cluster_has_id(cluster, facts->cluster_id)) {
		snprintf(reason, size, "it belongs to cluster %s as %s%s%s", facts->cluster_id,
			facts->name,
			cluster->id[0] ? ", not to " : ", and this coordinator to none",
			cluster->id);
		return MEMBER_FOREIGN;
	}
	if (strcmp(facts->name, c->name) != 0) {
		snprintf(reason, size, "its data directory is that of %s", facts->name);
		return MEMBER_FOREIGN;
	}
	if (!facts->entered || !cluster->entered)
		return classify_returning(c, cluster, reason, size);
	if (classify_was_removed(record, c->entries)) {
		/* How far it had come does not matter any more. */
		if (is_same_identifier(seen, own) ||
			(is_same_identifier(record->successor, own) && first_used(facts)))
			return classify_remembered(c, cluster, reason, size);
		if (!first_used(facts))
			return MEMBER_JOINING; /* it was to take the removed one's place */
	}
	if (is_same_identifier(record->successor, own)) {
		snprintf(reason, size, "what it has lost is being brought back");
		return MEMBER_EMPTY;
	}
	if (is_same_identifier(seen, own))
		return is_older(facts, record, reason, size)
			       ? MEMBER_OLDER
			       : classify_remembered(c, cluster, reason, size);
	tell_another(own, seen, reason, size);
	return MEMBER_FOREIGN;
}

static enum member_state classify_answer(
	const struct member_case *c, const struct cluster_facts *cluster, char *reason, size_t size)
{
	const char *own = c->facts->system_identifier;

	if (c->twin) {
		snprintf(reason, size, "its system identifier %s is also that of %s", own, c->twin);
		return MEMBER_TWIN;
	}
	if (is_superseded(cluster, own)) {
		snprintf(reason, size,
			"its data directory (system identifier %s) was lost and replaced", own);
		return MEMBER_SUPERSEDED;
	}
	if (c->facts->cluster_id[0])
		return classify_stamped(c, cluster, reason, size);
	if (cluster->entered)
		return classify_unstamped(c, reason, size);
	snprintf(reason, size, "the coordinator has not read its own catalog yet");
	return MEMBER_UNKNOWN;
}

enum member_state classify_worker(
	const struct member_case *c, const struct cluster_facts *cluster, char *reason, size_t size)
{
	enum member_state state = MEMBER_UNKNOWN;

	reason[0] = '\0';
	switch (c->facts->look) {
	case LOOK_NONE: return MEMBER_UNKNOWN;
	case LOOK_SILENT: state = MEMBER_UNREACHABLE; break;
	case LOOK_HANGING: state = MEMBER_HANGING; break;
	case LOOK_REFUSED: state = MEMBER_LOCKED; break;
	case LOOK_NOT_SET_UP: state = MEMBER_UNFIT; break;
	case LOOK_ANSWERED:
		state = classify_answer(c, cluster, reason, size);
		/* A member that differs is reported and stays a member: every upgrade passes
		 * through that. A node must fit before it is filled. */
		if (state == MEMBER_NEW || state == MEMBER_JOINING || state == MEMBER_EMPTY) {
			if (!fits_everywhere(c->facts, cluster, reason, size))
				state = MEMBER_UNFIT;
		} else if (state == MEMBER_OURS && !reason[0]) {
			(void)fits_everywhere(c->facts, cluster, reason, size);
		}
		return state;
	}
	snprintf(reason, size, "%s", c->facts->problem);
	return state;
}

/* Whether what it says is about the member that is remembered, or about one that was registered
 * after this copy of the coordinator was made. */
static bool is_about_member(const struct member_case *c)
{
	const char *known = c->record->system_identifier;

	return strcmp(c->facts->name, c->name) == 0 &&
	       (!known[0] || strcmp(known, c->facts->system_identifier) == 0);
}

/* Whether the cluster is registered under other addresses than this set has; says the first one. */
static bool is_misplaced(const struct member_case *workers, int count,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	const struct address *here = &cluster->here;

	if (is_elsewhere("it", &cluster->address, here->host, here->port, reason, size))
		return true;
	for (int i = 0; i < count; i++) {
		const struct member_case *w = &workers[i];
		if (w->record->registered && is_elsewhere(w->name, &w->record->address, w->host,
						     here->port, reason, size))
			return true;
	}
	return false;
}

static bool is_expected(const struct member_case *c, const struct cluster_facts *cluster)
{
	return c->record->registered &&
	       !(cluster->entered && classify_was_removed(c->record, c->entries));
}

/*
 * A worker that has gone away still counts: its last answer holds until the next look replaces
 * it. A worker that belongs to no cluster proves nothing.
 */
static enum member_state classify_by_workers(const struct member_case *workers, int count,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	const struct member_case *unknown = NULL, *foreign = NULL, *missed = NULL;
	bool has_ours = false, has_witness = false;

	reason[0] = '\0';
	if (!cluster->id[0])
		return MEMBER_NEW;
	for (int i = 0; i < count; i++) {
		const struct member_case *w = &workers[i];
		const struct member_facts *facts = w->facts;
		bool is_ours = cluster_has_id(cluster, facts->cluster_id);
		enum epoch_order order = epoch_compare(&facts->epoch, w->record);
		if (is_ours && is_about_member(w) && order == EPOCH_AHEAD) {
			snprintf(reason, size,
				"it remembers %s in epoch %lld, and that is in epoch %lld: the "
				"coordinator was restored from an older copy",
				w->name, (long long)w->record->epoch.number,
				(long long)facts->epoch.number);
			return MEMBER_OLDER;
		}
		has_ours |= is_ours;
		has_witness |= is_ours && is_about_member(w) && order == EPOCH_CURRENT;
		if (facts->look == LOOK_NONE && !unknown)
			unknown = w;
		if (facts->look != LOOK_ANSWERED && is_expected(w, cluster) && !missed)
			missed = w;
		if (facts->cluster_id[0] && !is_ours && !foreign)
			foreign = w;
	}
	if (unknown) {
		snprintf(reason, size, "%s has not been looked at yet", unknown->name);
		return MEMBER_UNKNOWN;
	}
	/* Only a formed cluster has shards and serves: before that, the coordinator is right
	 * wherever its id was made. */
	if (!cluster->formed)
		return MEMBER_OURS;
	if (foreign && !has_ours) {
		snprintf(reason, size,
			"it belongs to cluster %s, and none of its workers does; %s belongs to %s",
			cluster->id, foreign->name, foreign->facts->cluster_id);
		return MEMBER_FOREIGN;
	}
	if (!has_witness && missed) {
		snprintf(reason, size,
			"no member has confirmed yet that this is the coordinator's latest data "
			"directory: %s does not answer",
			missed->name);
		return MEMBER_UNKNOWN;
	}
	return MEMBER_OURS;
}

enum member_state classify_coordinator(const struct member_case *workers, int count,
	const struct cluster_facts *cluster, char *reason, size_t size)
{
	enum member_state state = classify_by_workers(workers, count, cluster, reason, size);

	if ((state == MEMBER_OURS || state == MEMBER_UNKNOWN) &&
		is_misplaced(workers, count, cluster, reason, size))
		return MEMBER_MISPLACED;
	return state;
}
