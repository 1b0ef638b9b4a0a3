#include "node/sample_password.h"

#include <string.h>

#include "base/banned.h"

bool sample_password_is(const char *password)
{
	return strcmp(password, "atomic") == 0;
}

void sample_password_list(const struct settings *s, char *names, size_t size)
{
	size_t used = 0;

	names[0] = '\0';
	for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
		const char *password = settings_secret(s, id);

		if (!(settings_table[id].flags & SETTING_SECRET) || !password ||
			!sample_password_is(password) || used >= size)
			continue;
		used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "",
			settings_table[id].env);
	}
}
