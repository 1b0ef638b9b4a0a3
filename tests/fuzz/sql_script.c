/* SQL files are mounted by users: arbitrary text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sqlfiles/sql_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xstrndup((const char *)data, size);
	struct sql_script script;
	struct err e = { 0 };
	int line = 1;

	if (sql_script_parse(text, &script, &e) < 0 && strncmp(e.msg, "line ", 5) != 0)
		abort(); /* an error without its place */
	for (size_t i = 0; i < script.count; i++) {
		const struct sql_statement *s = &script.statements[i];
		if (s->line < line || sql_script_line(s, 1000000) < s->line)
			abort(); /* lines go back */
		line = s->line;
	}
	sql_script_fini(&script);
	return 0;
}
