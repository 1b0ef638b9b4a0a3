#include "local/report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"

#include "base/banned.h"

enum { TAIL_BYTES = 4096, TAIL_LINES = 12 };

void report_event(const char *subject, const char *fmt, ...)
{
	_free_ char *text = NULL;
	char stamp[16] = "";
	time_t now = time(NULL);
	struct tm local;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (localtime_r(&now, &local))
		strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
	if (text)
		fprintf(stderr, "%s %s%s%s\n", stamp, subject ? subject : "", subject ? ": " : "",
			text);
}

void report_error(const char *message)
{
	fprintf(stderr, "citus-init local: %s\n", message);
}

/* Where the last lines of text begin. */
static const char *last_lines(const char *text, size_t length)
{
	const char *start = text + length;
	int lines = 0;

	while (start > text &&
		(start[-1] != '\n' || start == text + length || ++lines < TAIL_LINES))
		start--;
	return start;
}

void report_tail(const char *path)
{
	char text[TAIL_BYTES + 1];
	struct stat st;

	_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "    could not read \"%s\": %m\n", path);
		return;
	}
	ssize_t n =
		pread(fd, text, TAIL_BYTES, st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
	text[n > 0 ? n : 0] = '\0';
	fprintf(stderr, "    the end of %s:\n", path);
	for (const char *line = last_lines(text, strlen(text)); *line;) {
		int length = (int)strcspn(line, "\n");

		fprintf(stderr, "    | %.*s\n", length, line);
		line += length + (line[length] == '\n');
	}
}

static const char *meaning_of(int code)
{
	switch (code) {
#define X(name, number, meaning)                                                                   \
	case number: return meaning;
		EXIT_CODES(X)
#undef X
	default: return NULL;
	}
}

const char *report_status(int wait_status, char *buffer, size_t size)
{
	if (WIFSIGNALED(wait_status)) {
		snprintf(buffer, size, "killed by signal %d (%s)", WTERMSIG(wait_status),
			strsignal(WTERMSIG(wait_status)));
		return buffer;
	}
	/* The lower codes are other programs' or the commands' for people. */
	int code = WEXITSTATUS(wait_status);
	const char *meaning = code < EXIT_USAGE ? NULL : meaning_of(code);
	snprintf(buffer, size, "exit code %d%s%s", code, meaning ? ": " : "",
		meaning ? meaning : "");
	return buffer;
}
