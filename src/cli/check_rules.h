/*
 * What "citus-init check" proves of a manifest: one table of rules, each with
 * its reason and its cure; docs/kubernetes.md shows the same table.
 */
#pragma once

#include <stdio.h>

#include "cli/manifest.h"

enum check_level { CHECK_ERROR, CHECK_WARNING };

struct subject; /* a StatefulSet under proof: cli/rules.h */

struct check_rule {
	const char *name;
	enum check_level level;
	void (*prove)(struct subject *s); /* NULL: found while the files are read */
	const char *what;
	const char *why;
	const char *fix;
};

struct finding {
	const struct check_rule *rule;
	const char *file;
	int line, column; /* 0: not told */
	char *message;
};

struct findings {
	struct finding *list;
	size_t count;
};

struct check_options {
	bool is_scaling_down; /* more replicas than nodes are right */
};

/* Adds what is wrong with the objects, in the order of files and lines. */
void check_manifest(
	const struct manifest *m, const struct check_options *options, struct findings *findings);

/* Adds what manifest_add() said of a file; file must live as long as the findings. */
void check_add_problem(
	const char *file, const struct yaml_problem *problem, struct findings *findings);

size_t findings_count(const struct findings *findings, enum check_level level);
void findings_fini(struct findings *findings);

/* "error" or "warning". */
const char *check_level_name(enum check_level level);

/* The rules as a Markdown table. */
void check_print_markdown(FILE *out);
