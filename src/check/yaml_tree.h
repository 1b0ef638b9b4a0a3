/*
 * YAML as trees that remember their lines, for files that people write: many
 * documents, anchors, aliases and merge keys, with the types that Kubernetes
 * sees (YAML 1.1, as its Go library reads it).
 *
 * An alias shares the node of its anchor. A file in which aliases would grow
 * beyond all bounds or lead back to themselves is refused, so whoever walks a
 * tree comes to an end soon.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum tree_kind { TREE_NULL, TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind kind;
	int line;	  /* from 1 */
	const char *text; /* of a scalar, else "" */
	bool is_string;	  /* a scalar that is neither number nor truth value */
	bool is_literal;  /* a scalar after "|": its first line is the one after this one */
	struct tree_entry *entries;
	size_t count;
};

struct tree_entry {
	const char *key; /* NULL in a list */
	int line;
	const struct tree *value;
};

struct yaml_trees;

/* What is wrong, and where; line is 0 when there is no place. */
struct yaml_problem {
	int line, column;
	struct err e;
};

/* All documents of a text. NULL when one of them is broken: then *problem says why. */
struct yaml_trees *yaml_trees_read(const char *text, size_t length, struct yaml_problem *problem);
void yaml_trees_free(struct yaml_trees *trees);

size_t yaml_trees_count(const struct yaml_trees *trees);
const struct tree *yaml_trees_root(const struct yaml_trees *trees, size_t document);

/*
 * All of these take NULL for "not there", and return NULL for what is not there, is null, or is
 * of another kind. A path is keys separated by dots: "spec.template.spec".
 */
const struct tree *tree_get(const struct tree *t, const char *path);

/* By one key, which may hold dots. */
const struct tree *tree_key(const struct tree *t, const char *key);

/* The text of a scalar, or NULL. */
const char *tree_text(const struct tree *t, const char *path);

/* The whole number, or fallback. */
long tree_number(const struct tree *t, const char *path, long fallback);
bool tree_is_true(const struct tree *t, const char *path);

/* For loops: 0 for what is neither list nor map. */
size_t tree_count(const struct tree *t);
