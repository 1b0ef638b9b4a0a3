#include "init/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

#include "base/banned.h"

enum { LINE_PID = 1, LINE_DATA_DIRECTORY = 2, LINE_STATE = 8 };

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

/* The next line of text, without its newline; NULL for one that does not end: it may be half. */
static const char *next_line(const char **text, const char *end, size_t *length)
{
	const char *line = *text;
	const char *newline = memchr(line, '\n', (size_t)(end - line));

	if (!newline)
		return NULL;
	*length = (size_t)(newline - line);
	*text = newline + 1;
	return line;
}

struct pidfile pidfile_parse(const char *text, size_t length)
{
	struct pidfile file = { 0 };
	const char *end = text + length;
	const char *line;

	for (int number = 1; number <= LINE_STATE; number++) {
		line = next_line(&text, end, &length);
		if (!line)
			break;
		if (number == LINE_PID)
			file.pid = parse_pid(line, length);
		else if (number == LINE_STATE)
			file.state = parse_state(line, length);
	}
	return file;
}

bool pidfile_names_directory(const char *text, size_t length, const char *data_directory)
{
	const char *end = text + length;
	const char *line = NULL;

	for (int number = 1; number <= LINE_DATA_DIRECTORY; number++) {
		line = next_line(&text, end, &length);
		if (!line)
			return false;
	}
	return length == strlen(data_directory) && memcmp(line, data_directory, length) == 0;
}

static void make_path(char *path, size_t size, const char *data_directory)
{
	snprintf(path, size, "%s/postmaster.pid", data_directory);
}

static size_t read_lock_file(const char *path, char *text, size_t size)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size);

	return n < 0 ? 0 : (size_t)n;
}

struct pidfile pidfile_read(const char *data_directory)
{
	char path[PATH_MAX];
	char text[4096];

	make_path(path, sizeof(path), data_directory);
	return pidfile_parse(text, read_lock_file(path, text, sizeof(text)));
}

static void remove_file(const char *path)
{
	if (unlink(path) == 0)
		log_info("removed the stale \"%s\"", path);
	else if (errno != ENOENT)
		log_warning("could not remove the stale \"%s\": %m", path);
}

static bool names_directory(const char *path, const char *data_directory)
{
	char text[PATH_MAX + 256];

	return pidfile_names_directory(
		text, read_lock_file(path, text, sizeof(text)), data_directory);
}

void pidfile_remove_stale(const char *data_directory, const char *socket_lock)
{
	char path[PATH_MAX];
	bool has_socket_lock = names_directory(socket_lock, data_directory);

	make_path(path, sizeof(path), data_directory);
	if (!has_socket_lock && access(path, F_OK) < 0)
		return;
	/* Also when that cannot be told. */
	if (proc_with_cwd(data_directory, NULL, NULL) != 0) {
		log_warning("\"%s\" is kept: there may be processes in the data directory", path);
		return;
	}
	remove_file(path);
	if (has_socket_lock)
		remove_file(socket_lock);
}
