/*
 * What somebody reads at 3 a.m.: the sentences for each thing that is not as it
 * should be, from views made by hand.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/conditions.h"
#include "views.h"

#define CLUSTER "4c1c0b8e-0000-4000-8000-000000000001"
#define OTHER	"00000000-0000-4000-8000-000000000002"

enum { LOOKED_MS = 1000 * 1000, DOWN_S = 1772373731 /* 2026-03-01T14:02:11Z */ };

/* The same cluster with nothing to complain of. */
static void make_healthy(struct views *v)
{
	views_make(v);
	v->members[2] = v->members[1];
	v->members[2].ordinal = 2;
	snprintf(v->members[2].name, sizeof(v->members[2].name), "citus-2");
	v->cluster.waiting_for[0] = '\0';
	v->cluster.why[0] = '\0';
	v->cluster.step = "nothing";
	v->cluster.looked_ms = LOOKED_MS;
	v->node.started_ms = LOOKED_MS - 1000;
}

/* citus-2 in a state, for a reason. */
static void put(struct views *v, enum member_state state, const char *reason)
{
	struct member *m = &v->members[2];

	m->state = state;
	m->reachable = state != MEMBER_UNREACHABLE && state != MEMBER_HANGING;
	m->active = state == MEMBER_OURS;
	snprintf(m->reason, sizeof(m->reason), "%s", reason);
}

static void unform(struct views *v, const char *id, const char *waiting_for)
{
	v->cluster.formed = false;
	v->node.member = false;
	snprintf(v->cluster.id, sizeof(v->cluster.id), "%s", id);
	snprintf(v->cluster.waiting_for, sizeof(v->cluster.waiting_for), "%s", waiting_for);
	for (int i = 1; i < 3; i++) {
		v->members[i].state = MEMBER_NEW;
		v->members[i].registered = v->members[i].active = false;
		v->members[i].shards = 0;
	}
}

static void nothing(struct views *v)
{
	(void)v;
}

static void down(struct views *v)
{
	put(v, MEMBER_UNREACHABLE, "could not connect: Connection refused");
	v->members[2].away_since_s = DOWN_S;
}

static void down_since_yesterday(struct views *v)
{
	down(v);
	v->members[2].away_since_s -= 24 * 3600;
}

static void down_without_shards(struct views *v)
{
	down(v);
	v->members[2].shards = 0;
	v->members[2].away_since_s = 0;
}

static void freed(struct views *v)
{
	down(v);
	v->members[2].freed = true;
}

static void freed_and_back(struct views *v)
{
	put(v, MEMBER_OURS, "");
	v->members[2].freed = true;
	v->members[2].active = false;
}

static void never_seen(struct views *v)
{
	put(v, MEMBER_UNREACHABLE, "could not resolve the host name");
	v->members[2].registered = false;
}

static void hanging(struct views *v)
{
	put(v, MEMBER_HANGING, "no answer within 3000 ms");
	v->members[2].away_since_s = DOWN_S;
}

static void wiped(struct views *v)
{
	put(v, MEMBER_EMPTY, "");
	snprintf(v->members[2].loss, sizeof(v->members[2].loss),
		"12 shards of 3 tables had their only copy there");
	snprintf(v->members[2].loss_token, sizeof(v->members[2].loss_token), "0123456789abcdef");
}

static void wiped_and_accepted(struct views *v)
{
	wiped(v);
	v->members[2].loss_accepted = true;
}

static void wiped_and_not_assessed(struct views *v)
{
	put(v, MEMBER_EMPTY, "");
}

static void wiped_of_copies(struct views *v)
{
	put(v, MEMBER_EMPTY, "");
	snprintf(v->members[2].loss, sizeof(v->members[2].loss),
		"4 shards of 1 table, of which there are other copies");
}

static void removed_and_wiped(struct views *v)
{
	wiped(v);
	v->members[2].state = MEMBER_NEW;
	v->members[2].registered = false;
}

static void foreign(struct views *v)
{
	put(v, MEMBER_FOREIGN, "it belongs to cluster " OTHER " as citus-2, not to " CLUSTER);
}

static void foreign_and_no_member(struct views *v)
{
	foreign(v);
	v->members[2].registered = false;
}

static void twin(struct views *v)
{
	put(v, MEMBER_TWIN, "its directory is a copy of that of citus-1");
}

static void older(struct views *v)
{
	put(v, MEMBER_OLDER, "");
}

static void superseded(struct views *v)
{
	put(v, MEMBER_SUPERSEDED, "");
}

static void unfit(struct views *v)
{
	put(v, MEMBER_UNFIT, "its Citus is \"12.1-1\", the coordinator's \"13.2-1\"");
}

static void locked(struct views *v)
{
	put(v, MEMBER_LOCKED, "password authentication\nfailed");
	v->members[2].away_since_s = DOWN_S;
}

static void joining(struct views *v)
{
	put(v, MEMBER_JOINING, "");
	v->members[2].registered = false;
	v->members[2].failures = 2;
}

static void disabled(struct views *v)
{
	put(v, MEMBER_DISABLED, "somebody disabled it in Citus");
	v->members[2].registered = false;
	v->members[2].disabled = true;
	snprintf(v->members[2].host, sizeof(v->members[2].host), "citus-2.citus");
}

static void disabled_and_down(struct views *v)
{
	disabled(v);
	put(v, MEMBER_UNREACHABLE, "could not connect");
}

static void disabled_and_wiped(struct views *v)
{
	disabled(v);
	put(v, MEMBER_EMPTY, "");
}

static void removed(struct views *v)
{
	put(v, MEMBER_REMOVED, "Citus does not know it any more");
	v->members[2].registered = false;
}

static void coordinator_is_removed(struct views *v)
{
	v->members[0].registered = false;
	snprintf(v->members[0].host, sizeof(v->members[0].host), "citus-0.citus");
}

static void not_active(struct views *v)
{
	v->members[2].active = false;
}

static void differs(struct views *v)
{
	put(v, MEMBER_OURS, "it runs PostgreSQL 16, the coordinator 15");
}

static void outdated(struct views *v)
{
	v->members[2].outdated = (struct outdated_view){ .count = 3,
		.listed = 2,
		.list = "database citusdb (2.36, now 2.41), database postgres (2.36, now 2.41)" };
}

static void outdated_and_refused(struct views *v)
{
	outdated(v);
	older(v);
}

static void overridden(struct views *v)
{
	v->members[1].overridden =
		(struct overridden_view){ .count = 1, .listed = 1, .lines = "port is wrong\n" };
	v->members[2].overridden = (struct overridden_view){
		.count = 4, .listed = 2, .lines = "this is wrong\nthat is wrong\n"
	};
}

static void overridden_and_refused(struct views *v)
{
	overridden(v);
	v->members[1].overridden.count = v->members[1].overridden.listed = 0;
	v->members[1].overridden.lines[0] = '\0';
	older(v);
}

static void coordinator_is_older(struct views *v)
{
	v->members[0].state = MEMBER_OLDER;
	snprintf(v->members[0].reason, sizeof(v->members[0].reason), "citus-1 has seen more");
}

static void all_new(struct views *v)
{
	unform(v, "", "");
}

static void waits_to_form(struct views *v)
{
	unform(v, "", "citus-2 (unreachable)");
	put(v, MEMBER_UNREACHABLE, "could not connect");
}

static void waits_for_its_registration(struct views *v)
{
	unform(v, CLUSTER, "citus-2 (joining)");
	put(v, MEMBER_JOINING, "");
}

static void empty_coordinator(struct views *v)
{
	unform(v, "", "citus-1 (foreign), citus-2 (foreign)");
	for (int i = 1; i < 3; i++) {
		v->members[i].state = MEMBER_FOREIGN;
		snprintf(v->members[i].cluster_id, sizeof(v->members[i].cluster_id), OTHER);
		snprintf(v->members[i].reason, sizeof(v->members[i].reason), "it is theirs");
	}
}

static void paused(struct views *v)
{
	v->cluster.paused_by = "wish";
}

static void paused_by_setting(struct views *v)
{
	v->cluster.paused_by = "setting";
	v->cluster.step = NULL;
}

static void paused_with_work(struct views *v)
{
	v->cluster.paused_by = "wish";
	v->cluster.step = "register";
	snprintf(v->cluster.chosen, sizeof(v->cluster.chosen), "citus-3, citus-4");
}

static void leaving(struct views *v)
{
	v->node.size = 2;
	v->members[2].leaving = true;
}

static void left(struct views *v)
{
	leaving(v);
	put(v, MEMBER_UNREACHABLE, "gone");
	v->members[2].registered = false;
	v->members[2].group = -1;
}

static void old_look(struct views *v)
{
	v->cluster.looked_ms = LOOKED_MS - 119 * 1000;
}

static void never_looked(struct views *v)
{
	v->cluster.looked_ms = 0;
	v->node.started_ms = LOOKED_MS - 200 * 1000;
}

static void several(struct views *v)
{
	paused(v);
	down_without_shards(v);
	v->members[1].state = MEMBER_UNFIT;
	snprintf(v->members[1].reason, sizeof(v->members[1].reason), "why");
}

static void told_to_abandon(struct views *v)
{
	v->identity.role = ROLE_WORKER;
	v->node.cluster = NULL;
	snprintf(v->node.abandoned, sizeof(v->node.abandoned), OTHER);
}

#define REFUSED "; it is refused, and not touched: "

static const struct {
	const char *name;
	void (*make)(struct views *v);
	const char *told; /* "severity node: text" a line */
} cases[] = {
	{ "nothing", nothing, "" },
	{ "down", down,
		"critical citus-2: citus-2 is down since 14:02 (UTC): could not connect: "
		"Connection refused; DDL, CREATE ROLE, writes to reference tables and the "
		"registration of other nodes are blocked by it, and its 16 shards are out of "
		"reach, until it is back\n" },
	{ "down since yesterday", down_since_yesterday,
		"critical citus-2: citus-2 is down since 2026-02-28 14:02 (UTC): could not "
		"connect: Connection refused; DDL, CREATE ROLE, writes to reference tables and "
		"the registration of other nodes are blocked by it, and its 16 shards are out of "
		"reach, until it is back\n" },
	{ "down without shards", down_without_shards,
		"critical citus-2: citus-2 is down: could not connect: Connection refused; DDL, "
		"CREATE ROLE, writes to reference tables and the registration of other nodes are "
		"blocked by it, until it is back\n" },
	{ "down and freed", freed,
		"critical citus-2: citus-2 is down since 14:02 (UTC): could not connect: "
		"Connection refused; DDL, CREATE ROLE and writes to reference tables are blocked "
		"by it, and its 16 shards are out of reach, until it is back; other nodes come and "
		"go without it\n" },
	{ "freed and back", freed_and_back,
		"warning citus-2: citus-2 is back, and is brought up to date before it serves\n" },
	{ "never seen", never_seen,
		"warning citus-2: citus-2 does not answer: could not resolve the host name\n" },
	{ "hanging", hanging,
		"critical citus-2: citus-2 hangs since 14:02 (UTC): no answer within 3000 ms; DDL, "
		"CREATE ROLE, writes to reference tables and the registration of other nodes are "
		"blocked by it, and its 16 shards are out of reach, until it is back; statements "
		"that need it wait until they are cancelled: restart it\n" },
	{ "wiped", wiped,
		"critical citus-2: citus-2 was wiped: 12 shards of 3 tables had their only copy "
		"there; give it back its volume, or accept the loss: \"citus-init accept-loss "
		"citus-2\"\n" },
	{ "wiped, accepted", wiped_and_accepted,
		"warning citus-2: citus-2 was wiped: the loss is accepted, and it is brought "
		"back\n" },
	{ "wiped, not assessed", wiped_and_not_assessed,
		"warning citus-2: citus-2 was wiped: it is brought back automatically, unless "
		"something had its only copy there\n" },
	{ "wiped, of copies", wiped_of_copies,
		"warning citus-2: citus-2 was wiped: 4 shards of 1 table, of which there are "
		"other copies; it is brought back automatically\n" },
	{ "removed and wiped", removed_and_wiped,
		"critical citus-2: citus-2 was removed from Citus, and its directory is new: 12 "
		"shards of 3 tables had their only copy there; give it back its volume, or accept "
		"the loss: \"citus-init accept-loss citus-2\"\n" },
	{ "foreign", foreign,
		"critical citus-2: citus-2 is foreign: it belongs to cluster " OTHER
		" as citus-2, not to " CLUSTER REFUSED "give it its own volume\n" },
	{ "foreign, and no member", foreign_and_no_member,
		"warning citus-2: citus-2 is foreign: it belongs to cluster " OTHER
		" as citus-2, not to " CLUSTER REFUSED "give it its own volume\n" },
	{ "twin", twin,
		"critical citus-2: citus-2 is twin: its directory is a copy of that of citus-1; "
		"both are refused, and not touched: give each its own volume\n" },
	{ "older", older,
		"critical citus-2: citus-2 is older: *" REFUSED
		"give it the volume that it had last\n" },
	{ "superseded", superseded,
		"critical citus-2: citus-2 is superseded: *" REFUSED
		"give it the volume that took its place\n" },
	{ "unfit", unfit,
		"warning citus-2: citus-2 is unfit: its Citus is \"12.1-1\", the coordinator's "
		"\"13.2-1\"; all nodes need the same image and the same locale\n" },
	{ "locked, told in two lines", locked,
		"critical citus-2: citus-2 is locked since 14:02 (UTC): password authentication "
		"failed; all nodes need the same SUPERPASS; the log-in is tried again "
		"automatically\n" },
	{ "joining", joining,
		"warning citus-2: citus-2 is being registered; that has failed 2 times: the "
		"coordinator's log says why\n" },
	{ "disabled by hand", disabled,
		"warning citus-2: citus-2 is disabled: somebody disabled it in Citus, and it serves "
		"nobody until it is activated: \"select citus_activate_node('citus-2.citus', "
		"5432)\" in citusdb on the coordinator\n" },
	{ "disabled by hand, and down", disabled_and_down,
		"warning citus-2: citus-2 does not answer: could not connect; somebody disabled it "
		"in Citus, so nothing waits for it\n" },
	{ "disabled by hand, and wiped", disabled_and_wiped,
		"warning citus-2: citus-2 was wiped: somebody had disabled it in Citus, so it is "
		"not brought back; \"select citus_remove_node('citus-2.citus', 5432)\" in citusdb "
		"on the coordinator lets it join as a new node\n" },
	{ "removed by hand", removed,
		"warning citus-2: citus-2 is removed: somebody removed it from Citus: it serves "
		"nobody, and is not touched; give it an empty volume, and it joins as a new "
		"node\n" },
	{ "the coordinator's own row, by hand", coordinator_is_removed,
		"warning citus-0: Citus does not know citus-0, the coordinator, by its host: "
		"somebody removed or changed it; \"select citus_set_coordinator_host("
		"'citus-0.citus', 5432)\" in citusdb on the coordinator ends that\n" },
	{ "not admitted yet", not_active,
		"warning citus-2: citus-2 is back, and does not serve yet\n" },
	{ "a member that differs", differs,
		"warning citus-2: citus-2: it runs PostgreSQL 16, the coordinator 15\n" },
	{ "a library of another version", outdated,
		"warning citus-2: the library that orders text on citus-2 has another version "
		"than the recorded one: database citusdb (2.36, now 2.41), database postgres "
		"(2.36, now 2.41) and 1 more; indexes on text may miss rows until they are "
		"rebuilt; on citus-2, run REINDEX DATABASE in each of these databases, then "
		"ALTER DATABASE ... REFRESH COLLATION VERSION in database postgres, and for a "
		"collation ALTER COLLATION ... REFRESH VERSION in its own database\n" },
	{ "a library of another version, on a directory that is refused", outdated_and_refused,
		"critical citus-2: citus-2 is older: *" REFUSED
		"give it the volume that it had last\n" },
	{ "settings of servers", overridden,
		"warning citus-1: citus-1: port is wrong\n"
		"warning citus-2: citus-2: this is wrong\n"
		"warning citus-2: citus-2: that is wrong\n"
		"warning citus-2: citus-2: 2 more settings of its server are not as citus-init "
		"wants them; mend those above first\n" },
	{ "settings of a server whose directory is refused", overridden_and_refused,
		"critical citus-2: citus-2 is older: *" REFUSED
		"give it the volume that it had last\n" },
	{ "the coordinator's own directory", coordinator_is_older,
		"critical citus-0: citus-0 is older: citus-1 has seen more" REFUSED
		"give it the volume that it had last\n" },
	{ "forming", all_new, "warning : the cluster is not formed yet\n" },
	{ "waiting to form", waits_to_form,
		"warning : waiting for citus-2 (unreachable) to form; to form without a worker "
		"that will not come: \"citus-init form --without ORDINAL\"\n"
		"warning citus-2: citus-2 does not answer: could not connect\n" },
	{ "waiting for a registration", waits_for_its_registration,
		"warning : waiting for citus-2 (joining) to form\n" },
	{ "an empty coordinator", empty_coordinator,
		"critical : this coordinator belongs to no cluster, but cluster " OTHER
		" is known to citus-1, citus-2: nothing is formed or touched; give citus-0 back "
		"its volume, or abandon that cluster: \"citus-init form --abandon " OTHER "\"\n" },
	{ "leaving", leaving,
		"warning citus-2: citus-2 is above SET_SIZE (2) and is still a member: it serves "
		"as before, and 16 shards are on it; *to take it out*citus_drain_node('*, 5432)*\n" },
	{ "left", left, "" },
	{ "paused", paused,
		"info : changes are paused by \"citus-init pause\"; \"citus-init resume\" ends "
		"that\n" },
	{ "paused by the setting", paused_by_setting,
		"info : changes are paused by the setting CITUS_INIT_PAUSE\n" },
	{ "paused with work to do", paused_with_work,
		"warning : changes are paused by \"citus-init pause\"; \"citus-init resume\" ends "
		"that; held up: register citus-3, citus-4\n" },
	{ "an old look", old_look,
		"warning : the last look at all nodes was 120 s ago: what is said of them may "
		"be out of date\n" },
	{ "no look", never_looked,
		"warning : the nodes have not been looked at; this agent started 201 s ago\n" },
	{ "several, the gravest first", several,
		"critical citus-2: citus-2 is down: *\n"
		"warning citus-1: citus-1 is unfit: *\n"
		"info : changes are paused by *\n" },
	{ "told to abandon", told_to_abandon,
		"warning citus-0: citus-0 has been told to abandon cluster " OTHER
		": its data directory is renamed, and a new one is made\n" },
};

/* One second after the look, on the day of DOWN_S. */
static char *told(const struct node_view *view)
{
	struct conditions list;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	conditions_of(view, LOOKED_MS + 1000, DOWN_S + 3600, &list);
	for (int i = 0; i < list.count; i++)
		fprintf(out, "%s %s: %s\n", severity_name(list.items[i].severity),
			list.items[i].node, list.items[i].text);
	conditions_free(&list);
	fclose(out);
	return text;
}

/* Whether text is as wanted; a "*" in wanted stands for the rest of what another "; " or the
 * line's end ends. */
static bool is_like(const char *text, const char *wanted)
{
	while (*wanted) {
		if (*wanted == '*') {
			wanted++;
			size_t end = strcspn(wanted, "*");
			_free_ char *next = xstrndup(wanted, *wanted == '\n' ? 1 : end);
			const char *found = strstr(text, next);
			if (!found)
				return false;
			text = found;
		} else if (*text++ != *wanted++) {
			return false;
		}
	}
	return !*text;
}

START_TEST(sentences)
{
	struct views v;

	make_healthy(&v);
	cases[_i].make(&v);
	_free_ char *text = told(&v.node);
	ck_assert_msg(is_like(text, cases[_i].told), "%s:\n%swanted:\n%s", cases[_i].name, text,
		cases[_i].told);
}
END_TEST

/* Whatever is not well has a sentence: the exit code of status comes from there. */
START_TEST(every_state_is_told)
{
	struct views v;

	make_healthy(&v);
	put(&v, (enum member_state)_i, "");
	_free_ char *text = told(&v.node);
	ck_assert_msg((_i == MEMBER_OURS) == !text[0], "%s: \"%s\"",
		member_state_name((enum member_state)_i), text);
}
END_TEST

Suite *suite_conditions(void);

Suite *suite_conditions(void)
{
	Suite *s = suite_create("conditions");
	TCase *c = tcase_create("conditions");

	tcase_add_loop_test(c, sentences, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(c, every_state_is_told, 0, MEMBER_STATE_COUNT);
	suite_add_tcase(s, c);
	return s;
}
