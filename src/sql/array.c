#include "sql/array.h"

#include <stdarg.h>

#include "base/banned.h"

void sql_array_begin(struct sql_array *a)
{
	*a = (struct sql_array){ .text = NULL };
	a->out = open_memstream(&a->text, &a->size);
	fputc('{', a->out);
}

void sql_array_add(struct sql_array *a, const char *fmt, ...)
{
	va_list ap;

	fputs(a->count++ ? ",\"" : "\"", a->out);
	va_start(ap, fmt);
	vfprintf(a->out, fmt, ap);
	va_end(ap);
	fputc('"', a->out);
}

char *sql_array_end(struct sql_array *a)
{
	fputc('}', a->out);
	fclose(a->out);
	return a->text;
}
