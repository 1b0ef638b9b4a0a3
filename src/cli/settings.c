#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "cli/commands.h"
#include "node/settings.h"

#include "base/banned.h"

int cli_settings_main(int argc, char **argv)
{
	if (argc == 1) {
		settings_print_help(stdout);
		return EXIT_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--markdown") == 0) {
		settings_print_markdown(stdout);
		return EXIT_OK;
	}
	fprintf(stderr, "usage: citus-init settings [--markdown]\n");
	return EXIT_USAGE;
}
