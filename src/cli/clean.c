#include "cli/clean.h"

#include "base/mem.h"

#include "base/banned.h"

void clean_text(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			c[0] = c[1] = '?';
	}
}

void clean_print(FILE *out, const char *text)
{
	_free_ char *copy = xstrdup(text);

	clean_text(copy);
	fputs(copy, out);
}

size_t clean_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}
