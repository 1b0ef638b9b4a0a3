/*
 * Manifests: arbitrary bytes as YAML, through all rules of check.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of that very size, so that reading beyond it is noticed. */
	_free_ char *text = xcalloc(size, 1);
	struct manifest m = { 0 };
	struct findings findings = { 0 };
	const struct check_options options = { .is_scaling_down = size % 2 };
	struct yaml_problem problem;

	memcpy(text, data, size);
	if (manifest_add(&m, "x.yaml", text, size, &problem) < 0)
		check_add_problem("x.yaml", &problem, &findings);
	else
		check_manifest(&m, &options, &findings);
	findings_fini(&findings);
	manifest_fini(&m);
	return 0;
}
