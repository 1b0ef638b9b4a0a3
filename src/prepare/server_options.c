#include "prepare/server_options.h"

#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "node/capture.h"
#include "node/server_settings.h"

#include "base/banned.h"

enum { TIMEOUT_MS = 30 * 1000, OUTPUT_MOST = 64 * 1024, FILE_MOST = 1024 * 1024 };

extern char **environ;

/* postgres -C reads all files as a start does, and prints one value (PostmasterMain()). */
static int start_asking(struct capture *c, const struct postgres_install *install,
	const char *data_directory, const struct render_input *node, const char *name,
	struct err *e)
{
	_free_ char *config_file = xasprintf("config_file=%s/%s", node->conf_directory,
		render_file_names[RENDER_POSTGRESQL_CONF]);
	const char *const argv[] = { install->postgres, "-D", data_directory, "-C", name, "-c",
		config_file, NULL };
	const struct proc_spec spec = {
		.path = install->postgres,
		.argv = argv,
		.envp = (const char *const *)environ,
		.death_signal = SIGKILL,
	};

	return capture_start(c, &spec, e);
}

/* The last line: complaints may stand before it. */
static char *last_line(char *output)
{
	size_t length = strlen(output);

	if (length > 0 && output[length - 1] == '\n')
		output[length - 1] = '\0';
	char *before = strrchr(output, '\n');
	return xstrdup(before ? before + 1 : output);
}

static int finish_asking(struct capture *c, const char *name, char **value, struct err *e)
{
	_free_ char *output = NULL;
	char how[64];
	int status;

	if (capture_finish(c, TIMEOUT_MS, OUTPUT_MOST, &output, &status, e) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		*value = last_line(output);
		return 0;
	}
	capture_describe_status(status, how, sizeof(how));
	return err_set(e, WIFSIGNALED(status) ? ERR_SYS : ERR_CONFIG,
		"could not find out what PostgreSQL's files say of %s: \"%s -C %s\" ended with "
		"%s: %.500s",
		name, c->path, name, how, output);
}

/* Whether a line begins with the word, in any case, as names of settings are; with "", whether
 * there is any line but comments. */
static bool has_line_of(const char *text, const char *word)
{
	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		line += strspn(line, " \t\r\n");
		if (*line && *line != '#' && strncasecmp(line, word, strlen(word)) == 0)
			return true;
	}
	return false;
}

/* What ALTER SYSTEM has written; NULL when it can't be told. */
static char *read_written(const char *data_directory)
{
	_free_ char *path = xasprintf("%s/postgresql.auto.conf", data_directory);
	struct err ignored;
	char *text = NULL;

	(void)!file_read(path, FILE_MOST, &text, NULL, &ignored);
	return text;
}

/*
 * All at once: each spends its time in the loading of its libraries. Every one that was started is
 * waited for; the first failure is told. Only those are asked for that somebody has set, since the
 * rendered files leave them at their defaults, and what the program gives is never less; and where
 * somebody has set anything, the list of libraries, which shows that postgres can read the files.
 */
static int ask_files(const struct postgres_install *install, const char *data_directory,
	const struct render_input *node, char *in_files[SERVER_SETTING_COUNT], struct err *e)
{
	struct capture captures[SERVER_SETTING_COUNT] = { 0 };
	_free_ char *written = read_written(data_directory);
	bool ask_all = !written || has_line_of(written, "include");
	bool ask_one = !written || has_line_of(written, "");
	struct err ignored;
	int status = 0;

	for (size_t i = 0; i < SERVER_SETTING_COUNT && status == 0; i++)
		if (server_setting_wants_files(&server_settings[i]) &&
			(ask_all || (ask_one && server_settings[i].rule == RULE_FIRST) ||
				has_line_of(written, server_settings[i].name)))
			status = start_asking(&captures[i], install, data_directory, node,
				server_settings[i].name, e);
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++)
		if (captures[i].pid > 0 && finish_asking(&captures[i], server_settings[i].name,
						   &in_files[i], status < 0 ? &ignored : e) < 0)
			status = -1;
	return status;
}

static int put_option(char *options, size_t size, size_t *used, const char *text, struct err *e)
{
	size_t length = strlen(text) + 1;

	if (*used + length + 1 > size)
		return err_set(e, ERR_CONFIG,
			"what postgres is to be given on its command line is longer than %zu "
			"characters, with \"%.200s\"",
			size, text);
	memcpy(options + *used, text, length);
	*used += length;
	options[*used] = '\0';
	return 0;
}

int server_options_make(const struct postgres_install *install, const char *data_directory,
	const struct render_input *node, char *options, size_t size, struct err *e)
{
	char *in_files[SERVER_SETTING_COUNT] = { NULL };
	size_t used = 0;
	int status = ask_files(install, data_directory, node, in_files, e);

	for (size_t i = 0; i < SERVER_SETTING_COUNT && status == 0; i++) {
		const struct server_setting *s = &server_settings[i];

		if (!server_setting_is_given(s))
			continue;
		_free_ char *argument =
			server_setting_argument(s, node, in_files[i] ? in_files[i] : "");
		status = put_option(options, size, &used, argument, e);
	}
	for (size_t i = 0; i < SERVER_SETTING_COUNT; i++)
		free(in_files[i]);
	return status;
}
