/* The pure parts of PID 1: its table of states, the restart rules, the parsers. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "init/agent_child.h"
#include "init/control.h"
#include "init/launch.h"
#include "init/life.h"
#include "init/lock.h"
#include "init/notify.h"
#include "init/pidfile.h"
#include "init/restart.h"
#include "init/wait_status.h"
#include "scratch.h"

#define WHOLE_FILE "4711\n/pgdata/data\n1700000000\n5432\n/run\n*\n  5432001 3\n"

/* A launch description that is right but for the options. */
static struct launch launch_made(void)
{
	return (struct launch){ .magic = LAUNCH_MAGIC,
		.stop_deadline_ms = 1,
		.restart_window_s = 1,
		.node = "citus-0",
		.postgres = "/bin/postgres",
		.data_directory = "/pgdata/data",
		.config_file = "/pgdata/conf/postgresql.conf",
		.passfile = "/run/passfile",
		.socket_lock = "/run/lock",
		.notify_socket = "/run/notify" };
}

START_TEST(options_of_a_launch_are_checked)
{
	struct launch launch = launch_made();
	struct err e;

	ck_assert_msg(launch_check(&launch, &e) == 0, "%s", e.msg);
	memcpy(launch.options, "port=1\0wal_level=logical", sizeof("port=1\0wal_level=logical"));
	ck_assert_msg(launch_check(&launch, &e) == 0, "%s", e.msg);
	memcpy(launch.options, "-l\0", sizeof("-l\0"));
	ck_assert_int_lt(launch_check(&launch, &e), 0);
	memset(launch.options, '=', sizeof(launch.options));
	ck_assert_int_lt(launch_check(&launch, &e), 0);
	memset(launch.options, 0, sizeof(launch.options));
	for (int i = 0; i <= LAUNCH_OPTIONS_MAX; i++)
		launch.options[2 * i] = '=';
	ck_assert_int_lt(launch_check(&launch, &e), 0);
	launch.options[2 * LAUNCH_OPTIONS_MAX] = '\0';
	ck_assert_msg(launch_check(&launch, &e) == 0, "%s", e.msg);
}
END_TEST

static const struct {
	const char *text;
	pid_t pid;
	enum pidfile_state state;
} pidfiles[] = {
	{ WHOLE_FILE "ready   \n", 4711, PIDFILE_READY },
	{ WHOLE_FILE "standby \n", 4711, PIDFILE_READY },
	{ WHOLE_FILE "starting\n", 4711, PIDFILE_STARTING },
	{ WHOLE_FILE "stopping\n", 4711, PIDFILE_STOPPING },
	{ WHOLE_FILE "ready   \nmore\n", 4711, PIDFILE_READY },
	{ WHOLE_FILE "read\n", 4711, PIDFILE_UNKNOWN },
	{ WHOLE_FILE "ready", 4711, PIDFILE_UNKNOWN }, /* being written */
	{ WHOLE_FILE, 4711, PIDFILE_UNKNOWN },
	{ "4711\n", 4711, PIDFILE_UNKNOWN },
	{ "47", 0, PIDFILE_UNKNOWN },
	{ "", 0, PIDFILE_UNKNOWN },
	{ "\n", 0, PIDFILE_UNKNOWN },
	{ "-4711\n", 0, PIDFILE_UNKNOWN }, /* a stand-alone backend */
	{ "4711x\n", 0, PIDFILE_UNKNOWN },
	{ "99999999999999999999\n", 0, PIDFILE_UNKNOWN },
	{ "\n\n\n\n\n\n\nready\n", 0, PIDFILE_READY },
};

START_TEST(pidfile_is_read)
{
	struct pidfile file = pidfile_parse(pidfiles[_i].text, strlen(pidfiles[_i].text));

	ck_assert_int_eq(file.pid, pidfiles[_i].pid);
	ck_assert_int_eq(file.state, pidfiles[_i].state);
}
END_TEST

START_TEST(half_a_pidfile_is_never_ready)
{
	static const char text[] = WHOLE_FILE "ready   \n";

	for (size_t length = 0; length < sizeof(text) - 1; length++)
		ck_assert_int_eq(pidfile_parse(text, length).state, PIDFILE_UNKNOWN);
}
END_TEST

static void write_lock_file(const char *name, const char *data_directory)
{
	_free_ char *text = xasprintf("1\n%s\n1700000000\n5432\n/run\n", data_directory);

	scratch_write_text(name, text);
}

static bool is_there(const char *name)
{
	_free_ char *path = scratch_path(name);

	return access(path, F_OK) == 0;
}

START_TEST(stale_lock_files_are_removed)
{
	_free_ char *data = scratch_path("data");
	_free_ char *other = scratch_path("other");
	_free_ char *shorter = xasprintf("%.*s", (int)strlen(data) - 1, data);
	_free_ char *socket_lock = scratch_path("lock");

	scratch_mkdir("data", 0700);
	write_lock_file("data/postmaster.pid", data);
	write_lock_file("lock", data);
	pidfile_remove_stale(data, socket_lock);
	ck_assert(!is_there("data/postmaster.pid"));
	ck_assert(!is_there("lock"));

	/* Another server's lock file says nothing that the lock on this directory proves wrong. */
	for (const char *const *of = (const char *const[]){ other, shorter, NULL }; *of; of++) {
		write_lock_file("lock", *of);
		pidfile_remove_stale(data, socket_lock);
		ck_assert(is_there("lock"));
	}
}
END_TEST

/* A pid is no proof of anything, but a process in the directory is. */
START_TEST(lock_files_are_kept_while_somebody_is_there)
{
	_free_ char *data = scratch_path("data");
	_free_ char *socket_lock = scratch_path("lock");
	_free_ char *before = getcwd(NULL, 0);

	scratch_mkdir("data", 0700);
	write_lock_file("data/postmaster.pid", data);
	write_lock_file("lock", data);
	ck_assert_int_eq(chdir(data), 0);
	pidfile_remove_stale(data, socket_lock);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert(is_there("data/postmaster.pid"));
	ck_assert(is_there("lock"));
}
END_TEST

static const struct {
	const char *text;
	enum notify_word word;
} datagrams[] = {
	{ "READY=1", NOTIFY_READY },
	{ "READY=1\n", NOTIFY_READY },
	{ "STATUS=up\nREADY=1\nMAINPID=7", NOTIFY_READY },
	{ "STOPPING=1", NOTIFY_STOPPING },
	{ "READY=1\nSTOPPING=1", NOTIFY_STOPPING },
	{ "READY=10", NOTIFY_NOTHING },
	{ "NOTREADY=1", NOTIFY_NOTHING },
	{ "READY=", NOTIFY_NOTHING },
	{ "\n\n", NOTIFY_NOTHING },
	{ "", NOTIFY_NOTHING },
};

START_TEST(datagram_is_read)
{
	const char *text = datagrams[_i].text;

	ck_assert_int_eq(notify_parse(text, strlen(text)), datagrams[_i].word);
}
END_TEST

START_TEST(rungs_share_one_deadline)
{
	unsigned stop = 0;
	unsigned restart = 0;

	for (int state = LIFE_CLEAR_WAIT; state <= LIFE_CLEAR_KILL; state++)
		restart += life_traits[state].share;
	for (int state = LIFE_HUSHING; state < LIFE_OVER; state++) {
		ck_assert_msg(life_traits[state].share > 0, "%s", life_traits[state].name);
		stop += life_traits[state].share;
	}
	ck_assert_uint_eq(stop, LIFE_WHOLE);
	ck_assert_uint_eq(restart, LIFE_WHOLE);
}
END_TEST

START_TEST(limits_are_shares_with_a_cap)
{
	ck_assert_int_eq(life_limit_ms(LIFE_READY, 25000), -1);
	ck_assert_int_eq(life_limit_ms(LIFE_FAST, 25000), 15000);
	ck_assert_int_eq(life_limit_ms(LIFE_HUSHING, 5000), 250);
	ck_assert_int_eq(life_limit_ms(LIFE_HUSHING, 3600000), 1000);
	/* The postmaster kills its children 5 s after SIGQUIT by itself. */
	ck_assert_int_gt(life_limit_ms(LIFE_IMMEDIATE, 25000), 5000);
	ck_assert_int_eq(
		life_limit_ms(LIFE_IMMEDIATE, UINT32_MAX), (int64_t)UINT32_MAX * 230 / 1000);
}
END_TEST

START_TEST(table_is_whole)
{
	ck_assert_ptr_nonnull(life_traits[_i].name);
	for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
		enum life_state next = life_next((enum life_state)_i, (enum life_event)event);

		ck_assert_int_lt(next, LIFE_STATE_COUNT);
		ck_assert(event != EVENT_NONE || next == LIFE_SAME);
		/* A rung is never taken back; only when nothing runs any more life begins anew. */
		if (event == EVENT_ANEW)
			ck_assert(next == LIFE_SAME ||
				  (_i >= LIFE_AGENT_TERM && next == LIFE_PREPARING));
		else if (_i >= LIFE_HUSHING && next != LIFE_SAME)
			ck_assert_int_gt(next, _i);
	}
	/* What has a limit must know what follows. */
	if (life_traits[_i].share > 0)
		ck_assert_int_ne(life_next((enum life_state)_i, EVENT_TIMER), LIFE_SAME);
	if (life_traits[_i].scans)
		ck_assert_int_ne(life_next((enum life_state)_i, EVENT_CLEAR), LIFE_SAME);
}
END_TEST

/* Time passes, children end when they are told to: a stop that is asked for anywhere ends. */
START_TEST(stop_ends_from_everywhere)
{
	enum life_event asked[] = { EVENT_STOP, EVENT_STOP_NOW };

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		enum life_state state = (enum life_state)_i;
		enum life_state next = life_next(state, asked[i]);
		int steps = 0;

		if (next != LIFE_SAME)
			state = next;
		while (state != LIFE_OVER && steps++ < LIFE_STATE_COUNT) {
			next = life_next(state, EVENT_TIMER);
			if (next == LIFE_SAME)
				next = life_next(state, EVENT_FAILED);
			ck_assert_msg(next != LIFE_SAME, "stuck in %s", life_traits[state].name);
			state = next;
		}
		ck_assert_int_eq(state, LIFE_OVER);
	}
}
END_TEST

/* The same ladder as a stop's, whatever of it is needed, and then prepare and a new postgres. */
START_TEST(abandoning_is_a_stop_that_begins_anew)
{
	static const enum life_event easy[] = { EVENT_ABANDON, EVENT_HUSHED, EVENT_DEATH,
		EVENT_CLEAR, EVENT_ANEW, EVENT_PREPARED };
	enum life_state state = LIFE_READY;

	for (size_t i = 0; i < ARRAY_LEN(easy); i++)
		state = life_next(state, easy[i]);
	ck_assert_int_eq(state, LIFE_STARTING);

	state = life_next(LIFE_READY, EVENT_ABANDON);
	while (life_next(state, EVENT_ANEW) == LIFE_SAME) {
		ck_assert(life_is_stopping(state));
		state = life_next(state, EVENT_TIMER);
	}
	ck_assert_int_eq(state, LIFE_AGENT_TERM);
}
END_TEST

/* Where there is no running server of ours, there is nothing that an agent could know. */
START_TEST(abandoning_begins_where_postgres_is_ready)
{
	enum life_state next = life_next((enum life_state)_i, EVENT_ABANDON);

	ck_assert_int_eq(next, _i == LIFE_READY ? LIFE_HUSHING : LIFE_SAME);
}
END_TEST

START_TEST(graph_names_every_state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	life_print_graph(out);
	fclose(out);
	ck_assert_int_eq(strncmp(text, "stateDiagram-v2\n", 16), 0);
	for (int state = LIFE_SAME + 1; state < LIFE_OVER; state++)
		ck_assert_msg(strstr(text, life_traits[state].name) != NULL, "%s",
			life_traits[state].name);
	free(text);
}
END_TEST

START_TEST(restarts_are_limited_within_the_window)
{
	struct restart r = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 3, 1000, 100 * i), 0);
	ck_assert_uint_eq(restart_count(&r, 1000, 300), 3);
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 3, 1000, 999), -1);
	/* The first one leaves the window. */
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 3, 1000, 1000), 0);
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 3, 1000, 1001), -1);
}
END_TEST

START_TEST(no_restart_is_allowed_at_all)
{
	struct restart r = { 0 };

	ck_assert_int_eq(restart_delay_ms(&r, RESTART_NEVER_READY, 0, 1000, 0), -1);
}
END_TEST

START_TEST(ring_goes_round)
{
	struct restart r = { 0 };

	for (int i = 0; i < 3 * RESTART_RING; i++)
		ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 2, 10, 5 * (int64_t)i), 0);
	for (int i = 0; i < RESTART_RING; i++)
		restart_delay_ms(&r, RESTART_WAS_READY, UINT32_MAX, 1000000, 1000000);
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, UINT32_MAX, 1000000, 1000000), -1);
}
END_TEST

START_TEST(death_before_ready_backs_off)
{
	static const int64_t expected[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct restart r = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		ck_assert_int_eq(
			restart_delay_ms(&r, RESTART_NEVER_READY, 100, 1000, 0), expected[i]);
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_WAS_READY, 100, 1000, 0), 0);
	ck_assert_int_eq(restart_delay_ms(&r, RESTART_NEVER_READY, 100, 1000, 0), 100);
}
END_TEST

START_TEST(full_disk_does_not_count)
{
	static const int64_t expected[] = { 5000, 10000, 20000, 30000, 30000 };
	struct restart r = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		ck_assert_int_eq(restart_delay_ms(&r, RESTART_DISK_FULL, 0, 1000, 0), expected[i]);
	ck_assert_uint_eq(restart_count(&r, 1000, 0), 0);
}
END_TEST

START_TEST(wait_status_is_put_into_words)
{
	char words[96];

	ck_assert_str_eq(wait_status_words(3 << 8, words, sizeof(words)), "exited with code 3");
	ck_assert_str_eq(wait_status_words(9, words, sizeof(words)), "was ended by SIGKILL");
	ck_assert_str_eq(wait_status_words(40, words, sizeof(words)), "was ended by signal 40");
}
END_TEST

START_TEST(lock_lies_beside_the_data_directory)
{
	char made[] = "/tmp/citus-init-lock-XXXXXX";
	char data[64];
	char expected[96];
	struct lock one, two;
	struct err e;

	ck_assert_ptr_nonnull(mkdtemp(made));
	snprintf(data, sizeof(data), "%s/data//", made);
	snprintf(expected, sizeof(expected), "%s/.citus-init.lock", made);
	ck_assert_int_eq(lock_open(&one, data, &e), 0);
	ck_assert_str_eq(one.path, expected);
	ck_assert_int_eq(lock_open(&two, data, &e), 0);
	ck_assert_int_eq(lock_try(&one, &e), LOCK_TAKEN);
	ck_assert_int_eq(lock_try(&two, &e), LOCK_HELD_ELSEWHERE);
	char words[128];
	lock_holder(&two, words, sizeof(words));
	ck_assert_msg(strstr(words, "process") || strstr(words, "visible"), "%s", words);
	close(one.fd);
	ck_assert_int_eq(lock_try(&two, &e), LOCK_TAKEN);
	close(two.fd);
	unlink(expected);
	rmdir(made);
}
END_TEST

static const char *const bad_directories[] = { "pgdata", "", "/", "///", "/nowhere/pgdata/data" };

START_TEST(lock_refuses_a_bad_directory)
{
	struct lock lock;
	struct err e;

	ck_assert_int_eq(lock_open(&lock, bad_directories[_i], &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_int_eq(lock.fd, -1);
}
END_TEST

/* What the other side makes of a message that was sent: 1, or -1 and errno. */
static int exchange(const struct control_message *sent, struct control_message *got)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(control_send(ends[0], sent), 0);
	int result = control_receive(ends[1], got);
	int reason = errno;
	close(ends[0]);
	close(ends[1]);
	errno = reason;
	return result;
}

START_TEST(a_wish_to_abandon_names_the_cluster)
{
	struct control_message got;
	struct control_message m = { .type = CONTROL_WANT_ABANDON };

	strcpy(m.abandon.cluster_id, "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab");
	ck_assert_int_eq(exchange(&m, &got), 1);
	ck_assert_uint_eq(got.type, CONTROL_WANT_ABANDON);
	ck_assert_str_eq(got.abandon.cluster_id, m.abandon.cluster_id);
}
END_TEST

static const struct {
	const char *text;
	enum agent_word word;
} words_of_an_agent[] = {
	{ "wrong", AGENT_DROPPED },
	{ NULL, AGENT_MESSAGE },
};

/* An agent that has been started, as far as its socket goes; *theirs is its end. */
static struct agent_child agent_with_socket(int *theirs)
{
	struct agent_child agent;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	agent_child_init(&agent, CONTROL_SILENCE_MS);
	agent.fd = ends[0];
	*theirs = ends[1];
	return agent;
}

static ssize_t speak(int fd, const char *text)
{
	const struct control_message beat = { .type = CONTROL_BEAT };

	return text ? send(fd, text, strlen(text), MSG_NOSIGNAL) : control_send(fd, &beat);
}

START_TEST(an_agents_words_are_taken_one_at_a_time)
{
	struct control_message got;
	int theirs;
	struct agent_child agent = agent_with_socket(&theirs);

	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(speak(theirs, words_of_an_agent[_i].text), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(agent_child_receive(&agent, &got), words_of_an_agent[_i].word);
	ck_assert_int_eq(agent_child_receive(&agent, &got), AGENT_NOTHING);
	ck_assert_int_ge(agent.fd, 0);
	close(agent.fd);
	close(theirs);
}
END_TEST

START_TEST(an_agent_that_floods_is_cut_off)
{
	struct control_message got;
	int theirs;
	struct agent_child agent = agent_with_socket(&theirs);
	int64_t until_ms = clock_now_ms() + 20 * 1000;

	while (agent.fd >= 0 && clock_now_ms() < until_ms) {
		(void)!speak(theirs, words_of_an_agent[_i].text);
		(void)!agent_child_receive(&agent, &got);
	}
	ck_assert_int_lt(agent.fd, 0);
	ck_assert(agent.killed);
	close(theirs);
}
END_TEST

/* The last one fills the field and has no end. */
static const char *const no_clusters[] = { "", "citus", "../../../../../../../../../../../../etc",
	"4c1c0b8e-9a2d-4f6e-8b7a-0123456789AB", "4c1c0b8e-9a2d-4f6e-8b7a-0123456789abcdef" };

START_TEST(a_wish_to_abandon_no_cluster_is_dropped)
{
	struct control_message got;
	struct control_message m = { .type = CONTROL_WANT_ABANDON };

	memcpy(m.abandon.cluster_id, no_clusters[_i], strlen(no_clusters[_i]));
	ck_assert_int_eq(exchange(&m, &got), -1);
	ck_assert_int_eq(errno, EPROTO);
}
END_TEST

Suite *suite_init(void);

Suite *suite_init(void)
{
	Suite *suite = suite_create("init");
	TCase *parsers = tcase_create("parsers");
	TCase *lock_files = tcase_create("lock files");
	TCase *life = tcase_create("life");
	TCase *restart = tcase_create("restart");
	TCase *lock = tcase_create("lock");
	TCase *control = tcase_create("control");

	tcase_add_test(parsers, options_of_a_launch_are_checked);
	tcase_add_loop_test(parsers, pidfile_is_read, 0, (int)ARRAY_LEN(pidfiles));
	tcase_add_test(parsers, half_a_pidfile_is_never_ready);
	tcase_add_loop_test(parsers, datagram_is_read, 0, (int)ARRAY_LEN(datagrams));
	tcase_add_test(parsers, wait_status_is_put_into_words);
	suite_add_tcase(suite, parsers);

	tcase_add_checked_fixture(lock_files, scratch_make, scratch_remove);
	tcase_add_test(lock_files, stale_lock_files_are_removed);
	tcase_add_test(lock_files, lock_files_are_kept_while_somebody_is_there);
	suite_add_tcase(suite, lock_files);

	tcase_add_test(life, rungs_share_one_deadline);
	tcase_add_test(life, limits_are_shares_with_a_cap);
	tcase_add_loop_test(life, table_is_whole, LIFE_SAME + 1, LIFE_STATE_COUNT);
	tcase_add_loop_test(life, stop_ends_from_everywhere, LIFE_SAME + 1, LIFE_STATE_COUNT);
	tcase_add_test(life, abandoning_is_a_stop_that_begins_anew);
	tcase_add_loop_test(
		life, abandoning_begins_where_postgres_is_ready, LIFE_SAME + 1, LIFE_STATE_COUNT);
	tcase_add_test(life, graph_names_every_state);
	suite_add_tcase(suite, life);

	tcase_add_test(restart, restarts_are_limited_within_the_window);
	tcase_add_test(restart, no_restart_is_allowed_at_all);
	tcase_add_test(restart, ring_goes_round);
	tcase_add_test(restart, death_before_ready_backs_off);
	tcase_add_test(restart, full_disk_does_not_count);
	suite_add_tcase(suite, restart);

	tcase_add_test(lock, lock_lies_beside_the_data_directory);
	tcase_add_loop_test(lock, lock_refuses_a_bad_directory, 0, (int)ARRAY_LEN(bad_directories));
	suite_add_tcase(suite, lock);

	tcase_add_test(control, a_wish_to_abandon_names_the_cluster);
	tcase_add_loop_test(
		control, a_wish_to_abandon_no_cluster_is_dropped, 0, (int)ARRAY_LEN(no_clusters));
	tcase_add_loop_test(control, an_agents_words_are_taken_one_at_a_time, 0,
		(int)ARRAY_LEN(words_of_an_agent));
	tcase_add_loop_test(
		control, an_agent_that_floods_is_cut_off, 0, (int)ARRAY_LEN(words_of_an_agent));
	suite_add_tcase(suite, control);
	return suite;
}
