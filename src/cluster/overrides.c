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

void overrides_add(struct overridden_view *to, const PGresult *result, int row)
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
	size_t used = strlen(to->lines);

	if (!complaint)
		return;
	to->count++;
	if (to->listed < to->count - 1 || used + strlen(complaint) + 1 >= sizeof(to->lines))
		return;
	snprintf(to->lines + used, sizeof(to->lines) - used, "%s\n", complaint);
	to->listed++;
}
