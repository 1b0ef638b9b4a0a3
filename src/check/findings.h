/*
 * What breaks which rule, and where: each thing once, and no more of them than
 * a person reads.
 */
#pragma once

#include <stddef.h>

struct subject; /* a StatefulSet under proof: check/rule.h */

enum check_level { CHECK_ERROR, CHECK_WARNING };

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

/* Takes message, which is freed with the findings; file must live as long as they do. */
void findings_add(struct findings *findings, const struct check_rule *rule, const char *file,
	int line, int column, char *message);

size_t findings_count(const struct findings *findings, enum check_level level);
void findings_fini(struct findings *findings);

/* "error" or "warning". */
const char *check_level_name(enum check_level level);
