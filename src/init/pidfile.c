#include "init/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/banned.h"

enum { LINE_PID = 1, LINE_STATE = 8 };

static const struct {
	const char *word;
	enum pidfile_state state;
} words[] = {
	{ "starting", PIDFILE_STARTING },
	{ "ready", PIDFILE_READY },
	{ "standby", PIDFILE_READY },
	{ "stopping", PIDFILE_STOPPING },
};

static pid_t parse_pid(const char *line, size_t length)
{
	long pid = 0;

	if (length == 0)
		return 0;
	for (size_t i = 0; i < length; i++) {
		/* A negative pid is a stand-alone backend's, which is no postmaster either. */
		if (line[i] < '0' || line[i] > '9' || pid > (INT_MAX - 9) / 10)
			return 0;
		pid = pid * 10 + (line[i] - '0');
	}
	return (pid_t)pid;
}

/* The word is padded with blanks (PM_STATUS_READY is "ready   "). */
static enum pidfile_state parse_state(const char *line, size_t length)
{
	while (length > 0 && line[length - 1] == ' ')
		length--;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].word) == length && memcmp(words[i].word, line, length) == 0)
			return words[i].state;
	return PIDFILE_UNKNOWN;
}

struct pidfile pidfile_parse(const char *text, size_t length)
{
	struct pidfile file = { 0 };
	const char *end = text + length;

	for (int number = 1; number <= LINE_STATE && text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		/* A line without its newline may be half of a word. */
		if (!newline)
			break;
		if (number == LINE_PID)
			file.pid = parse_pid(text, (size_t)(newline - text));
		else if (number == LINE_STATE)
			file.state = parse_state(text, (size_t)(newline - text));
		text = newline + 1;
	}
	return file;
}

static void make_path(char *path, size_t size, const char *data_directory)
{
	snprintf(path, size, "%s/postmaster.pid", data_directory);
}

struct pidfile pidfile_read(const char *data_directory)
{
	char path[PATH_MAX];
	char text[4096];

	make_path(path, sizeof(path), data_directory);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return (struct pidfile){ 0 };
	ssize_t n = read(fd, text, sizeof(text));
	return pidfile_parse(text, n < 0 ? 0 : (size_t)n);
}

int pidfile_remove(const char *data_directory)
{
	char path[PATH_MAX];

	make_path(path, sizeof(path), data_directory);
	return unlink(path) == 0 || errno == ENOENT ? 0 : -1;
}
