#include "cluster/overrides.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/server_settings.h"
#include "sql/array.h"

#include "base/banned.h"

char *overrides_names(void)
{
	struct sql_array array;

	sql_array_begin(&array);
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++)
		sql_array_add(&array, "%s", server_settings[i].name);
	return sql_array_end(&array);
}

void overrides_read(char *text, const PGresult *result, int row)
{
	const struct server_setting_seen seen = {
		.name = sql_field(result, row, 0),
		.value = sql_field(result, row, 1),
		.source = sql_field(result, row, 2),
		.file = sql_field(result, row, 3),
		.line = sql_field(result, row, 4),
		.written = sql_field(result, row, 5),
		.written_file = sql_field(result, row, 6),
		.written_line = sql_field(result, row, 7),
		.ours = sql_field(result, row, 8),
	};
	_free_ char *complaint = server_setting_complaint(&seen);
	size_t used = strlen(text);

	/* One that does not fit whole is left out. */
	if (complaint && !strstr(text, complaint) && used + strlen(complaint) + 2 <= OVERRIDDEN_MAX)
		snprintf(text + used, OVERRIDDEN_MAX - used, "%s\n", complaint);
}
