/* Templates are mounted by operators: arbitrary text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *variable(const void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'a' ? "it's \\ \"x\"" : name[0] == 'b' ? "" : NULL;
}

static int count(const void *ctx, const char *list)
{
	(void)ctx;
	return list[0] == 'p' ? 3 : list[0] == 'q' ? 0 : -1;
}

static const char *field(const void *ctx, const char *list, int index, const char *name)
{
	static const char *const hosts[] = { "one", "two", "three" };

	(void)ctx;
	if (list[0] != 'p' && index >= 0)
		abort(); /* there is no item */
	if (name[0] != 'h')
		return NULL;
	return index < 0 ? "" : hosts[index];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct template_values values = {
		.variable = variable, .count = count, .field = field
	};
	_free_ char *text = xstrndup((const char *)data, size);
	struct err e = { 0 };
	_free_ char *result = template_expand("fuzz.tmpl", text, &values, &e);

	if (!result && (e.kind != ERR_CONFIG || strncmp(e.msg, "fuzz.tmpl:", 10) != 0))
		abort(); /* an error without its place */
	return 0;
}
