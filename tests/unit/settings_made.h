/* Settings made from a list of variables on top of a valid, minimal environment. */
#pragma once

#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "node/settings.h"

enum { SETTINGS_MADE_MOST = 64 };

/* What every node must be given; no INI file of the machine is read. */
static const char *const settings_made_base[] = { "POD_GROUP=citus", "SET_SIZE=3",
	"POD_NAME=citus-1", "SUPERPASS=super-secret", "ADMINPASS=admin-secret",
	"REPPASS=rep-secret", NULL };

/* A later variable replaces an earlier one of the same name; "NAME" alone removes it. */
static inline struct settings *settings_made_with(
	const char *const *variables, struct settings_errors *errors)
{
	char *environment[SETTINGS_MADE_MOST] = { NULL };
	const char *const *lists[] = { settings_made_base, variables };
	size_t count = 0;

	for (size_t list = 0; list < 2; list++)
		for (const char *const *v = lists[list]; v && *v; v++) {
			size_t name = strcspn(*v, "=");
			size_t i = 0;

			while (i < count && (strncmp(environment[i], *v, name) != 0 ||
						    environment[i][name] != '='))
				i++;
			ck_assert_uint_lt(i, SETTINGS_MADE_MOST - 1);
			if ((*v)[name] == '=') {
				environment[i] = (char *)*v;
				count += i == count;
			} else if (i < count) {
				environment[i] = environment[--count];
				environment[count] = NULL;
			}
		}
	return settings_load(environment, -1, errors);
}

static inline struct settings *settings_made(const char *const *variables)
{
	struct settings_errors errors;
	struct settings *s = settings_made_with(variables, &errors);

	ck_assert_msg(s != NULL, "%s", errors.count ? errors.messages[0] : "no message");
	ck_assert_uint_eq(errors.count, 0);
	return s;
}
