/* SCRAM verifiers against PostgreSQL's own form and RFC 7677's values. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/scram.h"

/* Made by PostgreSQL 15: create role ... password 'atomic', read from pg_authid. */
#define MADE_BY_SERVER                                                                             \
	"SCRAM-SHA-256$4096:1+q6NsA1B4Wi03cpTz67kg==$dsl1E5bS2KE2d4LT"                             \
	"7Z5CUPal2ILe1kKEFS2+OF2EuBo=:smua5x8am1ZXNvA4Up66EsJQsRJPZ3T//H0dREnqpbg="

START_TEST(a_verifier_matches_its_own_password_only)
{
	struct err e;
	_free_ char *one = NULL;
	_free_ char *two = NULL;

	ck_assert_int_eq(scram_make_verifier("atomic", &one, &e), 0);
	ck_assert_int_eq(scram_make_verifier("atomic", &two, &e), 0);
	ck_assert_str_ne(one, two); /* the salt is random */
	ck_assert_int_eq(strncmp(one, "SCRAM-SHA-256$4096:", 19), 0);
	ck_assert(scram_verifier_matches(one, "atomic"));
	ck_assert(scram_verifier_matches(two, "atomic"));
	ck_assert(!scram_verifier_matches(one, "atomic2"));
	ck_assert(!scram_verifier_matches(one, ""));
}
END_TEST

START_TEST(what_the_server_made_is_understood)
{
	ck_assert(scram_verifier_matches(MADE_BY_SERVER, "atomic"));
	ck_assert(!scram_verifier_matches(MADE_BY_SERVER, "Atomic"));
}
END_TEST

START_TEST(passwords_beyond_ascii_are_normalised_as_the_server_does)
{
	struct err e;
	_free_ char *verifier = NULL;

	/* SASLprep maps the no-break space to a space (RFC 4013). */
	ck_assert_int_eq(scram_make_verifier("a\xc2\xa0z", &verifier, &e), 0);
	ck_assert(scram_verifier_matches(verifier, "a z"));
}
END_TEST

static const char *const no_verifiers[] = {
	NULL,
	"",
	"md53175bce1d3201d16594cebf9d7eb3f9d",
	"SCRAM-SHA-256$",
	"SCRAM-SHA-256$4096",
	"SCRAM-SHA-256$4096:",
	"SCRAM-SHA-256$4096:AAAA",
	"SCRAM-SHA-256$4096:****$x:y",
	"SCRAM-SHA-256$0:AAAAAAAAAAAAAAAAAAAAAA==$x:y",
	"SCRAM-SHA-256$-1:AAAAAAAAAAAAAAAAAAAAAA==$x:y",
	"SCRAM-SHA-256$999999999999:AAAAAAAAAAAAAAAAAAAAAA==$x:y",
	"SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$x:y",
};

START_TEST(anything_else_matches_nothing)
{
	ck_assert(!scram_verifier_matches(no_verifiers[_i], "atomic"));
}
END_TEST

Suite *suite_scram(void);
Suite *suite_scram(void)
{
	Suite *suite = suite_create("scram");
	TCase *tc = tcase_create("verifiers");

	tcase_add_test(tc, a_verifier_matches_its_own_password_only);
	tcase_add_test(tc, what_the_server_made_is_understood);
	tcase_add_test(tc, passwords_beyond_ascii_are_normalised_as_the_server_does);
	tcase_add_loop_test(tc, anything_else_matches_nothing, 0, (int)ARRAY_LEN(no_verifiers));
	suite_add_tcase(suite, tc);
	return suite;
}
