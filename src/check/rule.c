#include "check/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/address.h"

#include "base/banned.h"

static char *format(const char *fmt, va_list ap)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	vfprintf(out, fmt, ap);
	fclose(out);
	return text;
}

void report(struct subject *s, const struct object *o, const struct tree *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	findings_add(
		s->findings, s->rule, o->file, at ? at->line : o->root->line, 0, format(fmt, ap));
	va_end(ap);
}

void report_line(struct subject *s, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	findings_add(s->findings, s->rule, file, line, 0, format(fmt, ap));
	va_end(ap);
}

long http_port_of(const struct subject *s)
{
	const char *text = settings_text(s->settings.settings, SET_HTTP_ADDRESS);
	struct address address;
	struct err e;

	return text && address_parse(text, &address, &e) == 0 ? address.port : 0;
}

long port_number_of(const struct subject *s, const char *text)
{
	const struct tree *ports = tree_get(s->pod.container, "ports");
	char *end;
	long number = strtol(text, &end, 10);

	if (*text && !*end)
		return number;
	for (size_t i = 0; i < tree_count(ports); i++) {
		const char *name = tree_text(ports->entries[i].value, "name");

		if (name && strcmp(name, text) == 0)
			return tree_number(ports->entries[i].value, "containerPort", 0);
	}
	return 0;
}
