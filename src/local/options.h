/* The command line of "citus-init local [--nodes N] [--dir DIR] [-- COMMAND...]". */
#pragma once

#include "base/err.h"

struct options {
	int nodes;	 /* 0 when not given */
	const char *dir; /* NULL when not given */
	char **command;	 /* NULL when not given; borrowed from argv */
};

int options_parse(struct options *o, int argc, char **argv, struct err *e) NODISCARD;

/* Where COMMAND's program is, as a shell would find it; the caller frees it. NULL with ERR_USAGE,
 * so that a typing error is told before a cluster is made for it. */
char *options_find_program(const char *name, const char *path, struct err *e);
