/* SQL files cut into statements, with their lines. */
#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "sqlfiles/sql_script.h"

static const struct {
	const char *text;
	struct {
		const char *statement;
		int line;
	} expected[4];
} files[] = {
	{ "", { { NULL, 0 } } },
	{ "-- a comment\n/* another\n */\n;\n", { { NULL, 0 } } },
	{ "select 1", { { "select 1", 1 } } },
	{ "\n\nselect 1; select 2;\nselect\n3;",
		{ { "select 1;", 3 }, { "select 2;", 3 }, { "select\n3;", 4 } } },
	{ "select ';', $$;$$, \"a;b\"; -- ;\nselect 2;",
		{ { "select ';', $$;$$, \"a;b\";", 1 }, { "select 2;", 2 } } },
	{ "do $body$\nbegin\n null;\nend $body$;\nselect 2",
		{ { "do $body$\nbegin\n null;\nend $body$;", 1 }, { "select 2", 5 } } },
	{ "create function f() returns int\nbegin atomic\n select 1;\nend;\nselect 2;",
		{ { "create function f() returns int\nbegin atomic\n select 1;\nend;", 1 },
			{ "select 2;", 5 } } },
	{ "savepoint s; rollback to s; rollback work to savepoint s;",
		{ { "savepoint s;", 1 }, { "rollback to s;", 1 },
			{ "rollback work to savepoint s;", 1 } } },
	{ "prepare p as select :x; execute p;",
		{ { "prepare p as select :x;", 1 }, { "execute p;", 1 } } },
};

START_TEST(cuts_at_semicolons)
{
	struct sql_script script;
	struct err e = { 0 };
	size_t count = 0;

	ck_assert_msg(sql_script_parse(files[_i].text, &script, &e) == 0, "%s", e.msg);
	while (count < ARRAY_LEN(files[_i].expected) && files[_i].expected[count].statement)
		count++;
	ck_assert_uint_eq(script.count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_eq(script.statements[i].text, files[_i].expected[i].statement);
		ck_assert_int_eq(script.statements[i].line, files[_i].expected[i].line);
	}
	sql_script_fini(&script);
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} refused[] = {
	{ "select 1;\ncommit;", "line 2: a file is run as one" },
	{ "BEGIN", "line 1: a file is run as one" },
	{ "/* x */ -- y\n start transaction;", "line 1: a file is run as one" },
	{ "end;", "line 1: a file is run as one" },
	{ "rollback;", "line 1: a file is run as one" },
	{ "rollback work;", "line 1: a file is run as one" },
	{ "abort", "line 1: a file is run as one" },
	{ "prepare transaction 'x';", "line 1: a file is run as one" },
	{ "select 1\n\\gset\n", "line 2: a backslash begins" },
	{ "\\copy t from x", "line 1: a backslash begins" },
	{ "select 1;\nselect 'a;\nb;\n", "line 2: a quote or comment is not closed" },
	{ "/* never ends", "line 1: a quote or comment is not closed" },
};

START_TEST(refuses_with_the_line)
{
	struct sql_script script;
	struct err e = { 0 };

	ck_assert_int_eq(sql_script_parse(refused[_i].text, &script, &e), -1);
	ck_assert_msg(
		strncmp(e.msg, refused[_i].error, strlen(refused[_i].error)) == 0, "%s", e.msg);
	sql_script_fini(&script);
}
END_TEST

START_TEST(finds_the_line_of_a_position)
{
	char text[] = "select 'ü',\n 'ö',\n x";
	const struct sql_statement statement = { text, 7 };

	ck_assert_int_eq(sql_script_line(&statement, 0), 7);
	ck_assert_int_eq(sql_script_line(&statement, 1), 7);
	ck_assert_int_eq(sql_script_line(&statement, 12), 7); /* the newline itself */
	ck_assert_int_eq(sql_script_line(&statement, 13), 8);
	ck_assert_int_eq(sql_script_line(&statement, 20), 9);
	ck_assert_int_eq(sql_script_line(&statement, 1000), 9);
}
END_TEST

Suite *suite_sql_script(void);

Suite *suite_sql_script(void)
{
	Suite *s = suite_create("sql_script");
	TCase *c = tcase_create("parse");

	tcase_add_loop_test(c, cuts_at_semicolons, 0, ARRAY_LEN(files));
	tcase_add_loop_test(c, refuses_with_the_line, 0, ARRAY_LEN(refused));
	tcase_add_test(c, finds_the_line_of_a_position);
	suite_add_tcase(s, c);
	return s;
}
