/* Jobs of sql.c: steps in order, and every way in which one can end. */
#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "script.h"
#include "sql/sql.h"

static struct event_base *loop;
static struct sql *sql;
static struct {
	struct script_end end;
	int rows;
	bool is_first_skipped;
	bool is_row_refused;
	int losses;
} job;

static void set_up(void)
{
	memset(&job, 0, sizeof(job));
	loop = event_base_new();
	script_begin(loop);
	const struct sql_target target = { .host = "192.0.2.1",
		.port = 5432,
		.database = "postgres",
		.user = "postgres",
		.connect_timeout_ms = 3000,
		.statement_timeout_ms = 5000 };
	sql = sql_open(loop, &target);
}

static void tear_down(void)
{
	sql_close(sql);
	event_base_free(loop);
}

static void run(const struct sql_step *steps, size_t count)
{
	job.end.ends = 0;
	sql_run(sql, steps, count, &job.end, script_on_done);
	ck_assert_int_eq(job.end.ends, 0); /* never from inside the call */
	script_wait(&job.end, 60 * 1000);
	ck_assert_int_eq(job.end.ends, 1);
	ck_assert(!sql_is_busy(sql));
}

static void answer_two_rows(const struct script_call *call)
{
	SCRIPT_ROW(call, "1");
	SCRIPT_ROW(call, "2");
}

static void answer_error(const struct script_call *call)
{
	script_error(call, "42P01", "relation \"x\" does not exist");
}

static int bind_first(void *ctx, const char *parameters[])
{
	(void)ctx;
	(void)parameters;
	return job.is_first_skipped ? SQL_SKIP : 0;
}

static int on_row(void *ctx, const PGresult *result, int row, struct err *e)
{
	(void)ctx;
	job.rows += (int)sql_number(result, row, 0, 0);
	return job.is_row_refused ? err_set(e, ERR_REFUSED, "row %d is wrong", row) : 0;
}

static const struct sql_step two[] = {
	{ .name = "do the first", .sql = "first", .bind = bind_first },
	{ .name = "do the second", .sql = "second", .on_row = on_row },
};

START_TEST(steps_are_run_in_order)
{
	script_on("second", answer_two_rows);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_NONE);
	ck_assert_int_eq(script_count("first"), 1);
	ck_assert_int_eq(job.rows, 3);
	ck_assert(sql_is_connected(sql));
}
END_TEST

START_TEST(a_step_that_is_not_needed_is_skipped)
{
	job.is_first_skipped = true;
	script_on("first", answer_error);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_NONE);
	ck_assert_int_eq(script_count("first"), 0);
}
END_TEST

START_TEST(an_error_ends_the_job_and_the_connection)
{
	script_on("first", answer_error);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_SQL);
	ck_assert_str_eq(job.end.failure.sqlstate, "42P01");
	ck_assert_str_eq(
		job.end.failure.msg, "could not do the first: relation \"x\" does not exist");
	ck_assert_uint_eq(sql_last_failure(sql).step, 0);
	ck_assert_int_eq(script_count("second"), 0);
	ck_assert(!sql_is_connected(sql));
}
END_TEST

START_TEST(an_error_that_does_not_matter_is_no_rows)
{
	static const struct sql_step ignoring[] = {
		{ .name = "do the first",
			.sql = "first",
			.on_row = on_row,
			.on_error = SQL_IGNORE },
		{ .name = "do the second", .sql = "second", .on_row = on_row },
	};

	script_on("first", answer_error);
	script_on("second", answer_two_rows);
	run(ignoring, ARRAY_LEN(ignoring));
	ck_assert_int_eq(job.end.failure.kind, ERR_NONE);
	ck_assert_int_eq(job.rows, 3);
}
END_TEST

START_TEST(a_row_can_be_refused)
{
	job.is_row_refused = true;
	script_on("second", answer_two_rows);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_REFUSED);
	ck_assert_str_eq(job.end.failure.msg, "could not do the second: row 0 is wrong");
	ck_assert_int_eq(job.rows, 1);
}
END_TEST

START_TEST(a_connection_that_breaks_ends_the_job)
{
	for (int n = 1; n <= 2; n++) {
		script_set_fault(n, SCRIPT_BREAK_BEFORE);
		run(two, ARRAY_LEN(two));
		ck_assert_int_eq(job.end.failure.kind, ERR_NET);
		ck_assert_ptr_nonnull(strstr(job.end.failure.msg, two[n - 1].name));
		/* The next job connects anew. */
		run(two, ARRAY_LEN(two));
		ck_assert_int_eq(job.end.failure.kind, ERR_NONE);
	}
}
END_TEST

START_TEST(a_server_that_says_nothing_is_given_up)
{
	int64_t begin_ms = clock_now_ms();

	script_set_fault(2, SCRIPT_SILENCE);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(job.end.failure.msg, "could not do the second: no answer"));
	ck_assert_int_ge(clock_now_ms() - begin_ms, 5000);
}
END_TEST

START_TEST(ways_not_to_connect)
{
	static const struct {
		enum script_host state;
		enum err_kind kind;
		const char *sqlstate, *words;
	} ways[] = {
		{ HOST_DOWN, ERR_NET, "", "Connection refused" },
		{ HOST_LOCKED, ERR_SQL, "28P01", "password authentication failed" },
		{ HOST_HANGING, ERR_TIMEOUT, "", "it took the connection, and then no answer" },
	};

	script_set_host("192.0.2.1", ways[_i].state);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ways[_i].kind);
	ck_assert_str_eq(job.end.failure.sqlstate, ways[_i].sqlstate);
	ck_assert_ptr_nonnull(strstr(job.end.failure.msg, ways[_i].words));
	script_set_host("192.0.2.1", HOST_UP);
	run(two, ARRAY_LEN(two));
	ck_assert_int_eq(job.end.failure.kind, ERR_NONE);
}
END_TEST

START_TEST(a_rest_ends_by_itself_or_with_a_job)
{
	run(two, ARRAY_LEN(two));
	sql_rest(sql);
	run(two, ARRAY_LEN(two));
	script_pass(3000);
	ck_assert(sql_is_connected(sql)); /* the job ended the rest */
	sql_rest(sql);
	script_pass(3000);
	ck_assert(!sql_is_connected(sql));
}
END_TEST

START_TEST(a_job_can_be_forgotten)
{
	sql_run(sql, two, ARRAY_LEN(two), &job.end, script_on_done);
	sql_reset(sql);
	script_pass(10 * 1000);
	ck_assert_int_eq(job.end.ends, 0);
	ck_assert_int_eq(script_count("first"), 0);
}
END_TEST

Suite *suite_jobs(void);
Suite *suite_jobs(void)
{
	Suite *suite = suite_create("jobs");
	TCase *c = tcase_create("jobs");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, steps_are_run_in_order);
	tcase_add_test(c, a_step_that_is_not_needed_is_skipped);
	tcase_add_test(c, an_error_ends_the_job_and_the_connection);
	tcase_add_test(c, an_error_that_does_not_matter_is_no_rows);
	tcase_add_test(c, a_row_can_be_refused);
	tcase_add_test(c, a_connection_that_breaks_ends_the_job);
	tcase_add_test(c, a_server_that_says_nothing_is_given_up);
	tcase_add_loop_test(c, ways_not_to_connect, 0, 3);
	tcase_add_test(c, a_rest_ends_by_itself_or_with_a_job);
	tcase_add_test(c, a_job_can_be_forgotten);
	suite_add_tcase(suite, c);
	return suite;
}
