/*
 * The INI file and the values of variables: arbitrary bytes. The first byte
 * chooses between the two.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "node/identity.h"
#include "node/settings.h"
#include "node/settings_ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_ini(const char *text, size_t length)
{
	struct settings_ini_value values[SETTING_COUNT] = { { 0 } };
	struct settings_errors errors = { 0 };

	settings_ini_parse("x.ini", text, length, values, &errors);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		free(values[i].text);
	settings_errors_free(&errors);
}

/* Lines become variables; what is loaded gives an identity, with the last line as resolv.conf. */
static void fuzz_environment(char *text)
{
	char *environment[64] = { (char *)"POD_GROUP=citus", (char *)"SET_SIZE=3",
		(char *)"SUPERPASS=a", (char *)"ADMINPASS=b", (char *)"REPPASS=c" };
	size_t count = 5;
	const char *last = "";
	char *rest = NULL;
	struct settings_errors errors;
	struct err e;

	for (char *line = strtok_r(text, "\n", &rest); line && count < ARRAY_LEN(environment) - 1;
		line = strtok_r(NULL, "\n", &rest)) {
		/* No files of this machine. */
		if (strstr(line, "_FILE="))
			continue;
		environment[count++] = line;
		last = line;
	}
	struct settings *s = settings_load(environment, -1, &errors);
	if (s)
		identity_free(identity_of(s, "citus-1", last, &e));
	settings_free(s);
	settings_errors_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	_free_ char *text = xstrndup((const char *)data + 1, size - 1);
	if (data[0] == 'i') {
		_free_ char *whole = xcalloc(size, 1);
		memcpy(whole, data + 1, size - 1);
		fuzz_ini(whole, size - 1);
	} else {
		fuzz_environment(text);
	}
	return 0;
}
