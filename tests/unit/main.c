/*
 * Runs all suites. The list is made by mk/tests-unit.mk from the files here, so
 * that none can be forgotten. CK_RUN_SUITE=template runs one, CK_FORK=no all in
 * one process, for a debugger.
 */
#include <check.h>
#include <stdlib.h>

#include "suites.h"

#define DECLARE(name) Suite *suite_##name(void);
SUITES(DECLARE)

int main(void)
{
	SRunner *runner = srunner_create(NULL);

#define ADD(name) srunner_add_suite(runner, suite_##name());
	SUITES(ADD)
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
