#include "init/launch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#include "base/banned.h"

_Static_assert(sizeof(struct launch) <= 8192, "one message must fit a pipe many times over");

int launch_write(int fd, const struct launch *launch, struct err *e)
{
	const char *from = (const char *)launch;
	size_t left = sizeof(*launch);

	while (left > 0) {
		ssize_t n = write(fd, from, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "could not hand the launch description to PID 1");
		from += n;
		left -= (size_t)n;
	}
	return 0;
}

static int check_text(const char *name, const char *text, size_t size, struct err *e)
{
	if (memchr(text, '\0', size) == NULL)
		return err_set(e, ERR_BUG, "launch description: \"%s\" does not end", name);
	return 0;
}

static int check_options(const struct launch *launch, struct err *e)
{
	const char *option = launch->options;
	int count = 0;

	/* So each of them ends, and the last is empty. */
	if (launch->options[LAUNCH_OPTIONS_SIZE - 1] || launch->options[LAUNCH_OPTIONS_SIZE - 2])
		return err_set(e, ERR_BUG, "launch description: the options do not end");
	for (; *option; option += strlen(option) + 1)
		if (++count > LAUNCH_OPTIONS_MAX || !strchr(option, '='))
			return err_set(e, ERR_BUG,
				"launch description: too many options, or \"%.40s\" is none",
				option);
	return 0;
}

int launch_check(const struct launch *launch, struct err *e)
{
	const struct {
		const char *name;
		const char *text;
		size_t size;
	} paths[] = {
		{ "postgres", launch->postgres, sizeof(launch->postgres) },
		{ "data_directory", launch->data_directory, sizeof(launch->data_directory) },
		{ "config_file", launch->config_file, sizeof(launch->config_file) },
		{ "passfile", launch->passfile, sizeof(launch->passfile) },
		{ "socket_lock", launch->socket_lock, sizeof(launch->socket_lock) },
		{ "notify_socket", launch->notify_socket, sizeof(launch->notify_socket) },
	};

	if (launch->magic != LAUNCH_MAGIC)
		return err_set(e, ERR_BUG, "launch description: wrong magic 0x%08x", launch->magic);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (check_text(paths[i].name, paths[i].text, paths[i].size, e) < 0)
			return -1;
		if (paths[i].text[0] != '/')
			return err_set(e, ERR_BUG,
				"launch description: \"%s\" is not an "
				"absolute path",
				paths[i].name);
	}
	if (check_text("node", launch->node, sizeof(launch->node), e) < 0)
		return -1;
	if (check_options(launch, e) < 0)
		return -1;
	if (launch->stop_deadline_ms == 0 || launch->restart_window_s == 0)
		return err_set(e, ERR_BUG, "launch description: a deadline of 0");
	if (launch->log_level > LOG_LEVEL_ERROR || launch->log_format > LOG_FORMAT_JSON)
		return err_set(e, ERR_BUG, "launch description: unknown log level or format");
	return 0;
}
