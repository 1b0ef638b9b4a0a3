#include "local/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "local/network.h"

#include "base/banned.h"

static int parse_nodes(const char *text, int *nodes, struct err *e)
{
	char *end;

	errno = 0;
	long number = strtol(text, &end, 10);
	if (errno || *end || end == text || number < 1 || number > NETWORK_MAX_NODES)
		return err_set(e, ERR_USAGE, "--nodes must be a number from 1 to %d, not \"%s\"",
			NETWORK_MAX_NODES, text);
	*nodes = (int)number;
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	*o = (struct options){ 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			o->command = argv[i + 1] ? &argv[i + 1] : NULL;
			return o->command ? 0
					  : err_set(e, ERR_USAGE, "a command must follow \"--\"");
		}
		bool is_nodes = strcmp(argv[i], "--nodes") == 0;
		if (!is_nodes && strcmp(argv[i], "--dir") != 0)
			return err_set(e, ERR_USAGE,
				"unknown argument \"%s\"; a command to run comes after \"--\"",
				argv[i]);
		if (i + 1 == argc || argv[i + 1][0] == '\0')
			return err_set(e, ERR_USAGE, "%s needs a value", argv[i]);
		if (is_nodes && parse_nodes(argv[++i], &o->nodes, e) < 0)
			return -1;
		if (!is_nodes)
			o->dir = argv[++i];
	}
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *options_find_program(const char *name, const char *path, struct err *e)
{
	if (strchr(name, '/')) {
		if (is_program(name))
			return xstrdup(name);
		err_set(e, ERR_USAGE, "\"%s\" is not a program that can be run", name);
		return NULL;
	}
	for (const char *at = path ? path : ""; *at;) {
		int length = (int)strcspn(at, ":");
		char *candidate = xasprintf("%.*s%s%s", length, at, length ? "/" : "./", name);

		if (is_program(candidate))
			return candidate;
		free(candidate);
		at += length + (at[length] == ':');
	}
	err_set(e, ERR_USAGE, "could not find the program \"%s\" in PATH", name);
	return NULL;
}
