#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/*
 * The only mutable state of the base layer: set once at start-up, before
 * anything is logged, and the count of lines that found stderr full.
 */
static struct {
	const char *role;
	enum log_when_full when_full;
	enum log_level threshold;
	enum log_format format;
	bool is_pipe;
	unsigned dropped;
} logger = { .role = "citus-init", .threshold = LOG_LEVEL_INFO };

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

void log_init(const char *role, enum log_when_full when_full)
{
	logger.role = role;
	logger.when_full = when_full;

	struct stat st;
	logger.is_pipe = fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
}

void log_configure(enum log_level threshold, enum log_format format)
{
	logger.threshold = threshold;
	logger.format = format;
}

/* Appends text as the inside of a JSON string; returns the bytes used, never more than room. */
static size_t append_json(char *to, size_t room, const char *text)
{
	size_t used = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c && used + 7 < room; c++) {
		if (*c == '"' || *c == '\\') {
			to[used++] = '\\';
			to[used++] = (char)*c;
		} else if (*c < 0x20) {
			used += (size_t)snprintf(to + used, room - used, "\\u%04x", *c);
		} else {
			to[used++] = (char)*c;
		}
	}
	return used;
}

/* A message of several lines stays one line of the log. */
static size_t append_text(char *to, size_t room, const char *text)
{
	size_t used = 0;

	for (; *text && used + 1 < room; text++)
		to[used++] = (char)(*text == '\n' ? ' ' : *text);
	return used;
}

static bool stderr_has_room(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* Between the look for room and the write somebody else may have filled the pipe; the flag is for
 * this one write, where O_NONBLOCK would be for all who share the descriptor. */
static void write_out(const char *line, size_t length)
{
	const struct iovec iov = { .iov_base = (char *)line, .iov_len = length };

	if (logger.is_pipe && logger.when_full == LOG_DROP) {
		if (pwritev2(STDERR_FILENO, &iov, 1, -1, RWF_NOWAIT) >= 0)
			return;
		if (errno == EAGAIN)
			logger.dropped++;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return;
	}
	(void)!write(STDERR_FILENO, line, length);
}

static void write_line(enum log_level level, const char *message)
{
	char line[PIPE_BUF];
	char stamp[32];
	struct timespec now;
	struct tm utc;
	size_t room = sizeof(line) - 3; /* the end of a JSON line and the newline */

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);

	bool json = logger.format == LOG_FORMAT_JSON;
	int head = snprintf(line, room,
		json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"role\":\"%s\",\"message\":\""
		     : "%s.%03ldZ %s %s: ",
		stamp, now.tv_nsec / 1000000, level_names[level], logger.role);
	size_t used = (size_t)head;
	used += json ? append_json(line + used, room - used, message)
		     : append_text(line + used, room - used, message);
	if (json) {
		line[used++] = '"';
		line[used++] = '}';
	}
	line[used++] = '\n';
	write_out(line, used);
}

void log_emit(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char message[3072];
	va_list ap;

	if (level < logger.threshold)
		return;
	if (logger.when_full == LOG_DROP && !stderr_has_room()) {
		logger.dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (logger.dropped) {
		char note[64];

		snprintf(note, sizeof(note), "stderr was full, lines dropped=%u", logger.dropped);
		logger.dropped = 0;
		write_line(LOG_LEVEL_WARNING, note);
	}
	write_line(level, message);
	errno = saved;
}
