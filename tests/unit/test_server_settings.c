/*
 * The settings that the program relies on: what postgres is given for them, and
 * what is said of a server where they are set otherwise.
 */
#include <check.h>

#include "node/server_settings.h"
#include "settings_made.h"

static const struct server_setting *setting(const char *name)
{
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++)
		if (strcmp(server_settings[i].name, name) == 0)
			return &server_settings[i];
	ck_abort_msg("no setting %s", name);
}

static const struct {
	const char *name;
	const char *in_files;
	const char *argument;
} arguments[] = {
	{ "port", "", "port=6543" },
	{ "listen_addresses", "", "listen_addresses=127.1.2.3" },
	{ "unix_socket_directories", "", "unix_socket_directories=/run/here/socket" },
	{ "unix_socket_permissions", "", "unix_socket_permissions=0700" },
	{ "hba_file", "", "hba_file=/srv/it's here/conf/pg_hba.conf" },
	{ "ident_file", "", "ident_file=/srv/it's here/conf/pg_ident.conf" },
	{ "wal_level", "", "wal_level=logical" },
	{ "hot_standby", "", "hot_standby=on" },
	{ "max_prepared_transactions", "0", "max_prepared_transactions=200" },
	{ "max_prepared_transactions", "200", "max_prepared_transactions=200" },
	{ "max_prepared_transactions", "1000", "max_prepared_transactions=1000" },
	{ "shared_preload_libraries", "", "shared_preload_libraries=citus, a, b" },
	{ "shared_preload_libraries", "citus", "shared_preload_libraries=citus, a, b" },
	{ "shared_preload_libraries", "c, citus,\"b\"", "shared_preload_libraries=citus, a, b, c" },
	{ "shared_preload_libraries", " $libdir/d ,, citus_columnar",
		"shared_preload_libraries=citus, a, b, $libdir/d, citus_columnar" },
};

START_TEST(postgres_is_given)
{
	static const char *const variables[] = { "POD_NAME=citus-1",
		"CITUS_INIT_POSTGRES_PORT=6543", "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES=127.1.2.3",
		"CITUS_INIT_POSTGRES_PRELOAD_LIBRARIES=a,b", "CITUS_INIT_RUN_DIRECTORY=/run/here",
		NULL };
	struct settings *s = settings_made(variables);
	struct err e;
	struct identity *id = identity_of(s, "x", NULL, &e);
	const struct render_input node = {
		.settings = s, .identity = id, .conf_directory = "/srv/it's here/conf"
	};
	_free_ char *argument =
		server_setting_argument(setting(arguments[_i].name), &node, arguments[_i].in_files);

	ck_assert_str_eq(argument, arguments[_i].argument);
	identity_free(id);
	settings_free(s);
}
END_TEST

#define AUTO   "/d/postgresql.auto.conf", "7"
#define OURS   "/c/postgresql.conf", "9"
#define RESET  "\"ALTER SYSTEM RESET "
#define ARGUED "command line", NULL, NULL

static const struct {
	struct server_setting_seen seen;
	const char *words[5]; /* of the complaint; none: there is no complaint */
} servers[] = {
	{ { "work_mem", "4MB", "default", NULL, NULL, NULL, NULL, NULL, NULL }, { NULL } },
	{ { "port", "5432", ARGUED, NULL, NULL, NULL, NULL }, { NULL } },
	{ { "port", "5432", ARGUED, "5432", AUTO, NULL }, { NULL } },
	{ { "port", "5432", ARGUED, "5433", AUTO, NULL },
		{ "\"/d/postgresql.auto.conf\" line 7 sets port to \"5433\"", "runs with \"5432\"",
			RESET "port\"" } },
	{ { "port", "5432", ARGUED, "5433", "/d/other.conf", "3", NULL },
		{ "\"/d/other.conf\" line 3", "take the line out" } },
	{ { "wal_level", "logical", ARGUED, "LOGICAL", AUTO, NULL }, { NULL } },
	{ { "hot_standby", "on", ARGUED, "true", AUTO, NULL }, { NULL } },
	{ { "hot_standby", "on", ARGUED, "off", AUTO, NULL }, { RESET "hot_standby\"" } },
	{ { "max_wal_senders", "32", ARGUED, "0x20", AUTO, NULL }, { NULL } },
	{ { "max_wal_senders", "32", ARGUED, "10", AUTO, NULL },
		{ "\"10\"", "\"32\"", "at least", RESET "max_wal_senders\"" } },
	{ { "max_wal_senders", "32", ARGUED, "64", AUTO, NULL }, { "the next start", "\"64\"" } },
	{ { "max_wal_senders", "64", ARGUED, "48", AUTO, NULL }, { "the next start", "\"48\"" } },
	{ { "shared_preload_libraries", "citus, a", ARGUED, "citus", AUTO, NULL }, { NULL } },
	{ { "shared_preload_libraries", "citus, a", ARGUED, "a,citus", AUTO, NULL }, { NULL } },
	{ { "shared_preload_libraries", "citus, a", ARGUED, "", AUTO, NULL },
		{ "sets shared_preload_libraries to \"\"", "always loads citus",
			RESET "shared_preload_libraries\"" } },
	{ { "shared_preload_libraries", "citus, a", ARGUED, "a", AUTO, NULL },
		{ "always loads citus", RESET "shared_preload_libraries\"" } },
	{ { "shared_preload_libraries", "citus", ARGUED, "citus, b", AUTO, NULL },
		{ "the next start" } },
	{ { "citus.local_hostname", "h", "configuration file", OURS, "h", OURS, "h" }, { NULL } },
	{ { "citus.local_hostname", "x", "configuration file", AUTO, "x", AUTO, "h" },
		{ "citus.local_hostname is \"x\" by \"/d/postgresql.auto.conf\" line 7",
			"wants \"h\"", RESET "citus.local_hostname\"" } },
	{ { "citus.local_hostname", "x", "database", NULL, NULL, "h", OURS, "h" },
		{ "\"ALTER DATABASE citusdb RESET citus.local_hostname\"" } },
	{ { "citus.local_hostname", "x", "user", NULL, NULL, "h", OURS, "h" },
		{ "\"ALTER ROLE postgres RESET citus.local_hostname\"" } },
	{ { "citus.local_hostname", "x", "global", NULL, NULL, "h", OURS, "h" },
		{ "\"ALTER ROLE ALL RESET citus.local_hostname\"" } },
	{ { "citus.local_hostname", "x", "session", NULL, NULL, "h", OURS, "h" },
		{ "by session" } },
	{ { "output_plugin_libraries", "c, b,a", "configuration file", AUTO, "c, b,a", AUTO,
		  "a, b" },
		{ NULL } },
	{ { "output_plugin_libraries", "a", "configuration file", AUTO, "a", AUTO, "a, b" },
		{ "wants \"a, b\"", RESET "output_plugin_libraries\"" } },
	/* An older minor, whose postgresql.conf does not name it. */
	{ { "output_plugin_libraries", "a", "default", NULL, NULL, NULL, NULL, NULL, NULL },
		{ NULL } },
};

START_TEST(a_difference_is_told)
{
	_free_ char *complaint = server_setting_complaint(&servers[_i].seen);

	if (!servers[_i].words[0])
		ck_assert_msg(!complaint, "%s", complaint);
	for (const char *const *word = servers[_i].words; *word; word++)
		ck_assert_msg(
			complaint && strstr(complaint, *word), "no %s in: %s", *word, complaint);
}
END_TEST

Suite *suite_server_settings(void);
Suite *suite_server_settings(void)
{
	Suite *suite = suite_create("server_settings");
	TCase *c = tcase_create("server_settings");

	tcase_add_loop_test(c, postgres_is_given, 0, (int)ARRAY_LEN(arguments));
	tcase_add_loop_test(c, a_difference_is_told, 0, (int)ARRAY_LEN(servers));
	suite_add_tcase(suite, c);
	return suite;
}
