/*
 * The Kubernetes objects in a set of files, flat: the documents of each file,
 * and the items of each List. Values of Secrets are decoded on demand; nothing
 * of them is ever printed.
 */
#pragma once

#include "check/yaml_tree.h"

struct object {
	const char *file; /* as it was named */
	const char *kind;
	const char *name;
	const char *namespace; /* "default" when none is given */
	const struct tree *root;
};

struct manifest_file {
	char *name;
	struct yaml_trees *trees;
};

struct manifest {
	struct manifest_file *files;
	size_t file_count;
	struct object *objects;
	size_t count;
};

/* Adds a file's objects; text is not needed after that. -1: it is broken, and *problem says why;
 * what was added of it stays. */
int manifest_add(struct manifest *m, const char *file, const char *text, size_t length,
	struct yaml_problem *problem);
void manifest_fini(struct manifest *m);

/* NULL when there is none. */
const struct object *manifest_find(
	const struct manifest *m, const char *kind, const char *name, const char *namespace);

/* The value of a key of a ConfigMap or a Secret, decoded, with the node that it comes from. NULL
 * when there is no such key or it is no valid base64; *at is NULL for the former. The caller frees
 * it with secret_free(). */
char *manifest_value(const struct object *o, const char *key, const struct tree **at);
