#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static const char ellipsis[] = "...";

/* A message that does not fit ends in dots, so that a cut is never taken for the whole. */
static void mark_cut(char *buf, size_t size, int wanted)
{
	if (wanted >= 0 && (size_t)wanted >= size)
		memcpy(buf + size - sizeof(ellipsis), ellipsis, sizeof(ellipsis));
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	*e = (struct err){ .kind = kind };
	va_start(ap, fmt);
	mark_cut(e->msg, sizeof(e->msg), vsnprintf(e->msg, sizeof(e->msg), fmt, ap));
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	*e = (struct err){ .kind = ERR_SYS, .sys = saved };
	va_start(ap, fmt);
	int used = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (used >= 0 && (size_t)used < sizeof(e->msg)) {
		size_t room = sizeof(e->msg) - (size_t)used;
		mark_cut(e->msg + used, room,
			snprintf(e->msg + used, room, ": %s", strerror(saved)));
	} else {
		mark_cut(e->msg, sizeof(e->msg), used);
	}
	errno = saved;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->msg)];
	va_list ap;

	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	int used = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (used >= 0 && (size_t)used < sizeof(e->msg)) {
		size_t room = sizeof(e->msg) - (size_t)used;
		mark_cut(e->msg + used, room, snprintf(e->msg + used, room, ": %s", inner));
	} else {
		mark_cut(e->msg, sizeof(e->msg), used);
	}
	return -1;
}

void err_make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}
