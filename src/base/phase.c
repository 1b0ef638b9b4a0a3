#include "base/phase.h"

#include <string.h>

#include "base/banned.h"

static const char *const names[PHASE_COUNT] = {
	[PHASE_LOCAL] = "local",
	[PHASE_RECOGNITION] = "recognition",
	[PHASE_CLUSTER] = "cluster",
	[PHASE_OPEN] = "open",
};

const char *phase_name(enum phase phase)
{
	return phase < PHASE_COUNT ? names[phase] : "unknown";
}

enum phase phase_of_name(const char *name)
{
	enum phase phase = PHASE_LOCAL;

	while (phase < PHASE_COUNT && strcmp(names[phase], name) != 0)
		phase++;
	return phase;
}
