#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "node/conf.h"
#include "node/postgres_install.h"
#include "node/render.h"

#include "base/banned.h"

extern char **environ;

struct options {
	enum phase phase;
	const char *directory; /* NULL: standard output */
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "phase", required_argument, NULL, 'p' },
		{ "directory", required_argument, NULL, 'd' },
		{ 0 },
	};
	int option;

	*o = (struct options){ .phase = PHASE_OPEN };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			o->phase = phase_of_name(optarg);
		else if (option == 'd')
			o->directory = optarg;
		else
			return -1;
	}
	return optind == argc && o->phase < PHASE_COUNT ? 0 : -1;
}

static struct settings *load_settings(void)
{
	struct settings_errors errors;
	/* No rendered file holds a password. */
	struct settings *s = settings_load_without_secrets(environ, &errors);

	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "citus-init render: %s\n", errors.messages[i]);
	settings_errors_free(&errors);
	return s;
}

static int put_out(const struct rendered *files, const char *directory, struct err *e)
{
	if (directory && file_make_directory(directory, 0755, e) < 0)
		return -1;
	for (int i = 0; i < RENDER_FILE_COUNT; i++) {
		const char *text = files->text[i];

		if (!directory) {
			printf("%s==> %s <==\n%s", i ? "\n" : "", render_file_names[i], text);
			continue;
		}
		_free_ char *path = xasprintf("%s/%s", directory, render_file_names[i]);
		if (file_replace(path, text, strlen(text), 0644, e) < 0)
			return -1;
	}
	return 0;
}

static int render(const struct settings *s, const struct options *o, struct err *e)
{
	_free_ char *conf = conf_directory_of(settings_text(s, SET_PGDATA));
	struct postgres_install install = { 0 };
	struct rendered files = { 0 };
	struct identity *identity = identity_here(s, e);
	struct render_input input = {
		.settings = s,
		.identity = identity,
		.conf_directory = conf,
		.phase = o->phase,
	};

	int status =
		identity ? postgres_install_find(settings_text(s, SET_BIN_DIR), &install, e) : -1;
	input.major = install.major;
	input.has_output_plugin_libraries = install.has_output_plugin_libraries;
	if (status == 0)
		status = render_files(&input, &files, e);
	if (status == 0)
		status = put_out(&files, o->directory, e);
	rendered_fini(&files);
	postgres_install_fini(&install);
	identity_free(identity);
	return status;
}

int cli_render_main(int argc, char **argv)
{
	struct options options;
	struct err e;

	if (parse_options(argc, argv, &options) < 0) {
		fprintf(stderr, "usage: citus-init render [--phase local|recognition|cluster|open] "
				"[--directory DIR]\n");
		return EXIT_USAGE;
	}
	struct settings *s = load_settings();
	if (!s)
		return EXIT_SETTINGS;
	int status = render(s, &options, &e);
	settings_free(s);
	if (status < 0) {
		fprintf(stderr, "citus-init render: %s\n", e.msg);
		return exit_code_of(e.kind);
	}
	return EXIT_OK;
}
