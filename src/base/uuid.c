#include "base/uuid.h"

#include <string.h>

#include "base/banned.h"

bool uuid_is_valid(const char *text)
{
	static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	_Static_assert(sizeof(pattern) == UUID_TEXT + 1, "the pattern has the length that is told");
	for (const char *p = pattern; *p; p++, text++) {
		bool fits = *p == '-' ? *text == '-' : *text && strchr("0123456789abcdef", *text);
		if (!fits)
			return false;
	}
	return *text == '\0';
}
