#include "check/findings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

size_t findings_count(const struct findings *findings, enum check_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->list[i].rule->level == level;
	return count;
}

enum { FINDINGS_MOST = 1000 };

void findings_add(struct findings *findings, const struct check_rule *rule, const char *file,
	int line, int column, char *message)
{
	/* Nobody reads more than this; but the first error is kept, for it decides the verdict. */
	if (findings->count >= FINDINGS_MOST &&
		(rule->level == CHECK_WARNING || findings_count(findings, CHECK_ERROR) > 0)) {
		free(message);
		return;
	}
	/* Several StatefulSets may share what is wrong. */
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (f->rule != rule || f->line != line || strcmp(f->file, file) != 0 ||
			strcmp(f->message, message) != 0)
			continue;
		free(message);
		return;
	}
	findings->list = xrealloc(findings->list, findings->count + 1, sizeof(*findings->list));
	findings->list[findings->count++] = (struct finding){
		.rule = rule, .file = file, .line = line, .column = column, .message = message
	};
}

void findings_fini(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->list[i].message);
	free(findings->list);
	*findings = (struct findings){ 0 };
}

const char *check_level_name(enum check_level level)
{
	return level == CHECK_ERROR ? "error" : "warning";
}
