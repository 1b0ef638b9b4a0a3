/* Who a node is: from its name, the settings and resolv.conf. */
#include <check.h>

#include "node/identity.h"
#include "settings_made.h"

#define VARIABLES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char kubernetes[] = "nameserver 10.96.0.10\n"
				 "search shop.svc.k8s.example svc.k8s.example k8s.example\n"
				 "options ndots:5\n";

static const struct {
	const char *variables[4];
	const char *hostname;
	const char *resolv_conf;
	const char *name;
	const char *host;
	int ordinal;
} good[] = {
	{ { "POD_NAME=citus-0" }, "x", NULL, "citus-0", "citus-0.citus.default.svc.cluster.local",
		0 },
	{ { "POD_NAME" }, "citus-2", NULL, "citus-2", "citus-2.citus.default.svc.cluster.local",
		2 },
	{ { "POD_NAME" }, "citus-2.citus.shop.svc.k8s.example", kubernetes, "citus-2",
		"citus-2.citus.default.svc.k8s.example", 2 },
	{ { "POD_NAMESPACE=shop" }, "x", kubernetes, "citus-1",
		"citus-1.citus.shop.svc.k8s.example", 1 },
	{ { "POD_GROUP=my-db-7", "POD_NAME=my-db-7-10" }, "x", NULL, "my-db-7-10",
		"my-db-7-10.my-db-7.default.svc.cluster.local", 10 },
	{ { "CITUS_INIT_CLUSTER_HOST_PATTERN=127.9.8.{ordinal}" }, "x", NULL, "citus-1",
		"127.9.8.1", 1 },
	{ { "CITUS_INIT_CLUSTER_HOST_PATTERN={ordinal}.{ordinal}.{domain}" }, "x",
		"search svc.other.\n", "citus-1", "1.1.other", 1 },
	/* The last search line counts, an entry of another kind is passed over. */
	{ { "X=" }, "x", "search svc.one\nsearch example.com\tdefault.svc.two\n", "citus-1",
		"citus-1.citus.default.svc.two", 1 },
	{ { "X=" }, "x", "search svc.one\nsearch example.com\n", "citus-1",
		"citus-1.citus.default.svc.cluster.local", 1 },
	/* Not of our namespace, and nonsense. */
	{ { "X=" }, "x", "search other.svc.one svc. svc.a_b svc.two\n", "citus-1",
		"citus-1.citus.default.svc.two", 1 },
	{ { "X=" }, "x", "# search svc.one\nsearching svc.one\nsearch\n", "citus-1",
		"citus-1.citus.default.svc.cluster.local", 1 },
};

START_TEST(finds_out_who_it_is)
{
	struct settings *s = settings_made(good[_i].variables);
	struct err e;
	struct identity *id = identity_of(s, good[_i].hostname, good[_i].resolv_conf, &e);

	ck_assert_msg(id != NULL, "%s", e.msg);
	ck_assert_str_eq(id->name, good[_i].name);
	ck_assert_str_eq(id->host, good[_i].host);
	ck_assert_int_eq(id->ordinal, good[_i].ordinal);
	ck_assert_int_eq(id->role, good[_i].ordinal == 0 ? ROLE_COORDINATOR : ROLE_WORKER);
	identity_free(id);
	settings_free(s);
}
END_TEST

static const char long_group[] =
	"POD_GROUP=a12345678901234567890123456789012345678901234567890123456789012";
static const char long_name[] =
	"POD_NAME=a12345678901234567890123456789012345678901234567890123456789012";

static const struct {
	const char *variables[4];
	const char *hostname;
	const char *message;
} bad[] = {
	{ { "POD_NAME=citus" }, "x",
		"environment variable POD_NAME: \"citus\" does not end in an ordinal" },
	{ { "POD_NAME=citus-x" }, "x", "\"citus-x\" does not end in an ordinal" },
	{ { "POD_NAME=citus-1x" }, "x", "does not end in an ordinal" },
	{ { "POD_NAME=shop-1" }, "x",
		"\"shop-1\" is not a node of POD_GROUP \"citus\": its group is \"shop\"" },
	{ { "POD_NAME=citus-a-1" }, "x", "its group is \"citus-a\"" },
	{ { "POD_NAME=citus1" }, "x", "does not end in an ordinal" },
	{ { "POD_NAME=citus-01" }, "x", "leading zeros" },
	{ { "POD_NAME=citus-00" }, "x", "leading zeros" },
	{ { "POD_NAME=citus-123456" }, "x", "more than five digits" },
	{ { "POD_NAME" }, "build-host",
		"the host name (POD_NAME is not set): \"build-host\" does not end in an ordinal" },
	{ { "POD_NAME" }, "", "does not end in an ordinal" },
	{ { long_group, "POD_NAME" },
		"a12345678901234567890123456789012345678901234567890123456789012-1",
		"choose a shorter group" },
	{ { "CITUS_INIT_CLUSTER_HOST_PATTERN={ordinal}."
	    "a123456789.a123456789.a123456789.a123456789.a123456789.a123456789.a123456789."
	    "a123456789.a123456789.a123456789.a123456789.a123456789.a123456789.a123456789."
	    "a123456789.a123456789.a123456789.a123456789.a123456789.a123456789.a123456789."
	    "a123456789.a123456789.a123" },
		"x", "is longer than 255 characters" },
};

START_TEST(refuses_other_names)
{
	struct settings *s = settings_made(bad[_i].variables);
	struct err e;
	struct identity *id = identity_of(s, bad[_i].hostname, NULL, &e);

	ck_assert_ptr_null(id);
	ck_assert_msg(strstr(e.msg, bad[_i].message), "%s", e.msg);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	settings_free(s);
}
END_TEST

/* Each label of the name is short enough, but the name of the last node is not. */
START_TEST(looks_at_the_names_of_all_nodes)
{
	struct settings *s = settings_made(VARIABLES(long_group, long_name, "SET_SIZE=100"));
	struct err e;

	ck_assert_ptr_null(identity_of(s, "x", NULL, &e));
	settings_free(s);
}
END_TEST

START_TEST(names_its_peers)
{
	struct settings *s = settings_made(VARIABLES("SET_SIZE=2", "POD_NAME=citus-1"));
	struct err e;
	struct identity *id = identity_of(s, "x", NULL, &e);
	_free_ char *host = identity_host_of(id, 12);
	_free_ char *name = identity_name_of(id, 12);

	ck_assert_str_eq(host, "citus-12.citus.default.svc.cluster.local");
	ck_assert_str_eq(name, "citus-12");
	ck_assert(!identity_is_leaving(id));
	id->ordinal = 2;
	ck_assert(identity_is_leaving(id));
	identity_free(id);
	settings_free(s);
}
END_TEST

Suite *suite_identity(void);

Suite *suite_identity(void)
{
	Suite *s = suite_create("identity");
	TCase *c = tcase_create("identity");

	tcase_add_loop_test(c, finds_out_who_it_is, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, refuses_other_names, 0, ARRAY_LEN(bad));
	tcase_add_test(c, looks_at_the_names_of_all_nodes);
	tcase_add_test(c, names_its_peers);
	suite_add_tcase(s, c);
	return s;
}
