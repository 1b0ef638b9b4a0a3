/*
 * The parts of "citus-init local" that need no cluster: its command line, its
 * memory (cluster.ini) and what it refuses, the environments it hands out, the
 * addresses, and the reading of an HTTP answer.
 */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/http_get.h"
#include "base/mem.h"
#include "base/secret.h"
#include "local/environment.h"
#include "local/network.h"
#include "local/options.h"
#include "local/reach.h"
#include "local/report.h"
#include "local/state.h"

#include "scratch.h"

Suite *suite_local(void);

#define PASSWORD_S "sssssssssssssssssssssssssssssss-"
#define PASSWORD_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_"
#define PASSWORD_R "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

static struct state example_state(const char *directory)
{
	struct state s = STATE_CLOSED;

	s.directory = (char *)directory;
	s.nodes = 3;
	s.network =
		(struct network){ .a = 9, .b = 200, .port = 5432, .http_port = 8008, .hold = -1 };
	memcpy(s.superpass, PASSWORD_S, sizeof(s.superpass));
	memcpy(s.adminpass, PASSWORD_A, sizeof(s.adminpass));
	memcpy(s.reppass, PASSWORD_R, sizeof(s.reppass));
	return s;
}

/* --- the command line --- */

static const struct {
	char *argv[8];
	int result;
	int nodes;
	const char *dir;
	const char *program;
} command_lines[] = {
	{ { "local" }, 0, 0, NULL, NULL },
	{ { "local", "--nodes", "3" }, 0, 3, NULL, NULL },
	{ { "local", "--nodes", "250", "--dir", "d" }, 0, 250, "d", NULL },
	{ { "local", "--dir", "d", "--", "psql", "--nodes" }, 0, 0, "d", "psql" },
	{ { "local", "--", "--dir" }, 0, 0, NULL, "--dir" },
	{ { "local", "--nodes", "0" }, -1, 0, NULL, NULL },
	{ { "local", "--nodes", "251" }, -1, 0, NULL, NULL },
	{ { "local", "--nodes", "3x" }, -1, 0, NULL, NULL },
	{ { "local", "--nodes", "99999999999999999999" }, -1, 0, NULL, NULL },
	{ { "local", "--nodes" }, -1, 0, NULL, NULL },
	{ { "local", "--dir", "" }, -1, 0, NULL, NULL },
	{ { "local", "--" }, -1, 0, NULL, NULL },
	{ { "local", "psql" }, -1, 0, NULL, NULL },
};

START_TEST(test_command_line)
{
	struct options o;
	struct err e;
	int argc = 0;
	char **argv = (char **)command_lines[_i].argv;

	while (argv[argc])
		argc++;
	int result = options_parse(&o, argc, argv, &e);
	ck_assert_int_eq(result, command_lines[_i].result);
	if (result < 0) {
		ck_assert_int_eq(e.kind, ERR_USAGE);
		return;
	}
	ck_assert_int_eq(o.nodes, command_lines[_i].nodes);
	ck_assert_pstr_eq(o.dir, command_lines[_i].dir);
	ck_assert_pstr_eq(o.command ? o.command[0] : NULL, command_lines[_i].program);
}
END_TEST

START_TEST(test_finds_a_program_as_a_shell_would)
{
	_free_ char *path = xasprintf("/nowhere:%s:/bin", scratch_directory);
	struct err e;

	scratch_write("tool", "", 0, 0755);
	scratch_write("text", "", 0, 0644);
	scratch_mkdir("sub", 0755);
	_free_ char *tool = options_find_program("tool", path, &e);
	_free_ char *want = scratch_path("tool");
	ck_assert_pstr_eq(tool, want);
	_free_ char *direct = options_find_program(want, NULL, &e);
	ck_assert_pstr_eq(direct, want);
	ck_assert_ptr_null(options_find_program("text", scratch_directory, &e));
	ck_assert_ptr_null(options_find_program("sub", scratch_directory, &e));
	ck_assert_ptr_null(options_find_program("tool", NULL, &e));
	ck_assert_int_eq(e.kind, ERR_USAGE);
}
END_TEST

/* --- the memory --- */

START_TEST(test_state_comes_back)
{
	struct state s = example_state("/d");
	struct state back = STATE_CLOSED;
	struct err e;
	char *text = state_format(&s);

	ck_assert_msg(state_parse(&back, text, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(back.nodes, 3);
	ck_assert_int_eq(back.network.a, 9);
	ck_assert_int_eq(back.network.b, 200);
	ck_assert_int_eq(back.network.port, 5432);
	ck_assert_int_eq(back.network.http_port, 8008);
	ck_assert_str_eq(back.superpass, PASSWORD_S);
	ck_assert_str_eq(back.adminpass, PASSWORD_A);
	ck_assert_str_eq(back.reppass, PASSWORD_R);
	secret_free(text);
}
END_TEST

/* Each pair turns a right file into a wrong one. */
static const struct {
	const char *from, *to;
} damages[] = {
	{ "nodes = 3", "nodes = 0" },
	{ "nodes = 3", "nodes = 251" },
	{ "nodes = 3", "nodes = three" },
	{ "nodes = 3", "nodes =" },
	{ "nodes = 3", "" },
	{ "network_a = 9", "network_a = 0" },
	{ "network_b = 200", "network_b = 256" },
	{ "port = 5432", "port = 65536" },
	{ "[cluster]", "[other]" },
	{ PASSWORD_S, "short" },
	{ PASSWORD_R, PASSWORD_R "r" },
	{ "nodes = 3", "nodes = 3\nmore = 4" },
};

START_TEST(test_damaged_state_is_refused)
{
	struct state s = example_state("/d");
	struct state back = STATE_CLOSED;
	struct err e;
	char *text = state_format(&s);
	const char *at = strstr(text, damages[_i].from);

	ck_assert_ptr_nonnull(at);
	_free_ char *wrong = xasprintf(
		"%.*s%s%s", (int)(at - text), text, damages[_i].to, at + strlen(damages[_i].from));
	ck_assert_int_eq(state_parse(&back, wrong, &e), -1);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_ptr_null(strstr(e.msg, "sss"));
	secret_free(text);
}
END_TEST

static void reopen(struct state *s, int nodes, int want, enum err_kind kind)
{
	struct err e = { 0 };
	int result = state_open(s, scratch_directory, nodes, &e);

	ck_assert_msg(result == want, "%s", e.msg);
	if (want < 0)
		ck_assert_int_eq(e.kind, kind);
}

static void close_state(struct state *s)
{
	struct err e;

	ck_assert_int_eq(state_close(s, &e), 0);
}

/* Others could put links in root's way there. */
START_TEST(test_root_uses_no_directory_of_others)
{
	const bool is_root = geteuid() == 0;
	struct state s;

	ck_assert_int_eq(chmod(scratch_directory, 0777), 0);
	reopen(&s, 0, is_root ? -1 : 0, ERR_REFUSED);
	close_state(&s);
	ck_assert_int_eq(chmod(scratch_directory, 0755), 0);
	if (is_root)
		ck_assert_int_eq(chown(scratch_directory, 4321, 0), 0);
	reopen(&s, 0, is_root ? -1 : 0, ERR_REFUSED);
	close_state(&s);
}
END_TEST

START_TEST(test_a_directory_is_one_cluster)
{
	struct state s, other;
	struct err e;

	reopen(&s, 0, 0, ERR_NONE);
	ck_assert(s.is_new);
	ck_assert_int_eq(s.nodes, 3);
	ck_assert_int_eq(strlen(s.superpass), STATE_PASSWORD_LENGTH);
	ck_assert_str_ne(s.superpass, s.adminpass);
	s.network = (struct network){ .a = 1, .b = 2, .port = 3, .http_port = 4, .hold = -1 };
	ck_assert_msg(state_save(&s, &e) == 0, "%s", e.msg);

	reopen(&other, 0, -1, ERR_BUSY);
	close_state(&other);
	_free_ char *superpass = xstrdup(s.superpass);
	close_state(&s);
	close_state(&s); /* twice does no harm */

	reopen(&s, 0, 0, ERR_NONE);
	ck_assert(!s.is_new);
	ck_assert_str_eq(s.superpass, superpass);
	close_state(&s);
	reopen(&s, 5, 0, ERR_NONE);
	ck_assert_int_eq(s.nodes, 5);
	close_state(&s);
	reopen(&s, 2, -1, ERR_REFUSED);
	close_state(&s);
}
END_TEST

START_TEST(test_a_foreign_directory_is_refused)
{
	struct state s;

	scratch_write_text("cluster.ini.tmp", "what a kill left behind");
	reopen(&s, 0, 0, ERR_NONE);
	close_state(&s);
	scratch_write_text("letter", "dear");
	reopen(&s, 0, -1, ERR_REFUSED);
	close_state(&s);
	_free_ char *letter = scratch_read("letter");
	ck_assert_pstr_eq(letter, "dear");
}
END_TEST

START_TEST(test_a_temporary_directory_goes_away)
{
	struct state s;
	struct err e;

	setenv("TMPDIR", scratch_directory, 1);
	ck_assert_msg(state_open(&s, NULL, 1, &e) == 0, "%s", e.msg);
	_free_ char *directory = xstrdup(s.directory);
	ck_assert_int_eq(strncmp(directory, scratch_directory, strlen(scratch_directory)), 0);
	ck_assert_int_eq(access(directory, F_OK), 0);
	close_state(&s);
	ck_assert_int_ne(access(directory, F_OK), 0);
	unsetenv("TMPDIR");
}
END_TEST

/* --- environments --- */

START_TEST(test_a_node_gets_a_pods_environment)
{
	struct state s = example_state("/d");
	char *caller[] = { "PATH=/bin", "HOME=/root", "SECRET=1", "PGHOST=elsewhere",
		"SUPERPASS=callers", "CITUS_INIT_LOG_LEVEL=debug", "CITUS_INIT_POSTGRES_PORT=1",
		"CITUS_INIT_LOCAL_DIR=/x", "LC_ALL=C", NULL };
	char **node = environment_of_node(caller, &s, 2);
	static const char *const want[][2] = {
		{ "PATH", "/bin" },
		{ "LC_ALL", "C" },
		{ "POD_GROUP", "citus" },
		{ "POD_NAME", "citus-2" },
		{ "SET_SIZE", "3" },
		{ "PGDATA", "/d/citus-2/data" },
		{ "HOME", "/d/citus-2" },
		{ "CITUS_INIT_RUN_DIRECTORY", "/d/citus-2/run" },
		{ "CITUS_INIT_CLUSTER_HOST_PATTERN", "127.9.200.{ordinal}" },
		{ "CITUS_INIT_POSTGRES_LISTEN_ADDRESSES", "127.9.200.2" },
		{ "CITUS_INIT_POSTGRES_PORT", "5432" },
		{ "CITUS_INIT_HTTP_ADDRESS", "127.9.200.2:8008" },
		{ "CITUS_INIT_LOG_LEVEL", "debug" },
		{ "SUPERPASS", PASSWORD_S },
		{ "ADMINPASS", PASSWORD_A },
		{ "REPPASS", PASSWORD_R },
		{ "SECRET", NULL },
		{ "PGHOST", NULL },
		{ "CITUS_INIT_LOCAL_DIR", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_pstr_eq(environment_get(node, want[i][0]), want[i][1]);
	for (char **a = node; *a; a++)
		for (char **b = a + 1; *b; b++)
			ck_assert_msg(strncmp(*a, *b, strcspn(*a, "=") + 1) != 0, "%s twice", *a);
	environment_free(node);
}
END_TEST

START_TEST(test_without_a_network_the_callers_port_counts)
{
	struct state s = example_state("/d");
	char *caller[] = { "CITUS_INIT_POSTGRES_PORT=7000", NULL };

	s.network.port = 0;
	char **node = environment_of_node(caller, &s, 0);
	ck_assert_pstr_eq(environment_get(node, "CITUS_INIT_POSTGRES_PORT"), "7000");
	environment_free(node);
}
END_TEST

START_TEST(test_the_command_gets_the_connection)
{
	struct state s = example_state("/d");
	char *caller[] = { "PGHOST=elsewhere", "PGHOSTADDR=1.2.3.4", "PGSERVICE=x", "HOME=/root",
		"PGOPTIONS=-c x=y", "CITUS_INIT_LOCAL_DIR=/old", NULL };
	char **command = environment_of_command(caller, &s);
	static const char *const want[][2] = {
		{ "PGHOST", "127.9.200.0" },
		{ "PGPORT", "5432" },
		{ "PGUSER", "admin" },
		{ "PGDATABASE", "citusdb" },
		{ "PGPASSWORD", PASSWORD_A },
		{ "CITUS_INIT_LOCAL_SUPERPASS", PASSWORD_S },
		{ "CITUS_INIT_LOCAL_DIR", "/d" },
		{ "CITUS_INIT_LOCAL_HTTP", "127.9.200.0:8008" },
		{ "HOME", "/root" },
		{ "PGOPTIONS", "-c x=y" },
		{ "PGHOSTADDR", NULL },
		{ "PGSERVICE", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_pstr_eq(environment_get(command, want[i][0]), want[i][1]);
	environment_free(command);
}
END_TEST

START_TEST(test_the_script_is_quoted)
{
	struct state s = example_state("/it's $HOME");
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	environment_print_script(out, &s);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\nexport CITUS_INIT_LOCAL_DIR='/it'\\''s $HOME'\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nexport PGUSER='admin'\n"));
}
END_TEST

/* --- addresses --- */

START_TEST(test_two_clusters_do_not_share_a_network)
{
	struct network one, two;
	struct err e;
	char host[NETWORK_HOST_SIZE];

	ck_assert_msg(network_choose(&one, 3, 5432, &e) == 0, "%s", e.msg);
	ck_assert_int_ge(one.hold, 0);
	network_host(&one, 2, host);
	_free_ char *want = xasprintf("127.%d.%d.2", one.a, one.b);
	ck_assert_str_eq(host, want);

	two = one;
	ck_assert_int_eq(network_take(&two, 3, &e), -1);
	ck_assert_int_eq(e.kind, ERR_BUSY);
	close(one.hold);
	ck_assert_msg(network_take(&two, 3, &e) == 0, "%s", e.msg);
	close(two.hold);
}
END_TEST

START_TEST(test_a_directory_that_bars_the_way_is_named)
{
	struct node_user nobody = { .change = true, .uid = 65534, .gid = 65534, .name = "nobody" };
	struct err e;

	if (geteuid() != 0)
		return; /* only root can become somebody else */
	ck_assert_int_eq(chmod(scratch_directory, 0711), 0);
	scratch_mkdir("open", 0755);
	scratch_mkdir("closed", 0700);
	_free_ char *open = scratch_path("open/");
	_free_ char *deep = scratch_path("closed/deep/down");
	_free_ char *closed = xasprintf("\"%s/closed\"", scratch_directory);
	const struct reach passable[] = { { open, X_OK, "it", "" }, { NULL, X_OK, "none", "" },
		{ 0 } };
	const struct reach barred[] = { { deep, X_OK, "the thing", "do this" }, { 0 } };

	ck_assert_msg(reach_check(&nobody, passable, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(reach_check(&nobody, barred, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_msg(
		strstr(e.msg, closed) && strstr(e.msg, "the thing") && strstr(e.msg, "do this"),
		"%s", e.msg);
}
END_TEST

/* --- words --- */

START_TEST(test_an_end_in_words)
{
	char words[160];

	ck_assert_str_eq(report_status(W_EXITCODE(0, SIGKILL), words, sizeof(words)),
		"killed by signal 9 (Killed)");
	ck_assert_str_eq(report_status(W_EXITCODE(99, 0), words, sizeof(words)), "exit code 99");
	report_status(W_EXITCODE(EXIT_SETTINGS, 0), words, sizeof(words));
	ck_assert_int_eq(strncmp(words, "exit code 78: a setting", 23), 0);
}
END_TEST

static const struct {
	const char *text;
	int status; /* -1: refused */
	const char *body;
} answers[] = {
	{ "HTTP/1.0 200 OK\r\n\r\nyes\n", 200, "yes\n" },
	{ "HTTP/1.1 503 No\r\nContent-Length: 3\r\nX: y\r\n\r\nno\n", 503, "no\n" },
	{ "HTTP/1.1 204 None\r\ncontent-length: 0\r\n\r\n", 204, "" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", -1, NULL },
	{ "HTTP/1.1 200 OK\r\nX: y\r\n", -1, NULL },
	{ "HTTP/2.0 200 OK\r\n\r\n", -1, NULL },
	{ "HTTP/1.1 99 OK\r\n\r\n", -1, NULL },
	{ "SSH-2.0-OpenSSH\r\n", -1, NULL },
	{ "", -1, NULL },
};

START_TEST(test_http_answer)
{
	const char *body = NULL;
	struct err e;
	int status = 0;
	int result =
		http_parse_answer(answers[_i].text, strlen(answers[_i].text), &status, &body, &e);

	ck_assert_int_eq(result, answers[_i].status < 0 ? -1 : 0);
	if (result == 0) {
		ck_assert_int_eq(status, answers[_i].status);
		ck_assert_str_eq(body, answers[_i].body);
	} else {
		ck_assert_int_eq(e.kind, ERR_NET);
	}
}
END_TEST

Suite *suite_local(void)
{
	Suite *s = suite_create("local");
	TCase *plain = tcase_create("plain");
	TCase *files = tcase_create("files");

	tcase_add_loop_test(plain, test_command_line, 0, (int)ARRAY_LEN(command_lines));
	tcase_add_test(plain, test_state_comes_back);
	tcase_add_loop_test(plain, test_damaged_state_is_refused, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(plain, test_a_node_gets_a_pods_environment);
	tcase_add_test(plain, test_without_a_network_the_callers_port_counts);
	tcase_add_test(plain, test_the_command_gets_the_connection);
	tcase_add_test(plain, test_the_script_is_quoted);
	tcase_add_test(plain, test_two_clusters_do_not_share_a_network);
	tcase_add_test(plain, test_an_end_in_words);
	tcase_add_loop_test(plain, test_http_answer, 0, (int)ARRAY_LEN(answers));
	suite_add_tcase(s, plain);

	tcase_add_checked_fixture(files, scratch_make, scratch_remove);
	tcase_add_test(files, test_finds_a_program_as_a_shell_would);
	tcase_add_test(files, test_a_directory_is_one_cluster);
	tcase_add_test(files, test_root_uses_no_directory_of_others);
	tcase_add_test(files, test_a_foreign_directory_is_refused);
	tcase_add_test(files, test_a_temporary_directory_goes_away);
	tcase_add_test(files, test_a_directory_that_bars_the_way_is_named);
	suite_add_tcase(s, files);
	return s;
}
