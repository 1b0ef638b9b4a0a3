/*
 * What "citus-init check" proves of a manifest: one table of rules, each with
 * its reason and its cure; docs/kubernetes.md shows the same table.
 */
#pragma once

#include <stdio.h>

#include "check/rule.h"

/* Adds what is wrong with the objects, in the order of files and lines. */
void check_manifest(
	const struct manifest *m, const struct check_options *options, struct findings *findings);

/* Adds what manifest_add() said of a file; file must live as long as the findings. */
void check_add_problem(
	const char *file, const struct yaml_problem *problem, struct findings *findings);

/* The rules as a Markdown table. */
void check_print_markdown(FILE *out);
