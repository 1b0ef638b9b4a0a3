/* Rules about a pod's life: that Kubernetes kills it neither while it starts nor while it stops. */
#include <string.h>

#include "base/mem.h"
#include "check/rule.h"

#include "base/banned.h"

/* Defaults of the API (SetDefaults_PodSpec(), SetDefaults_Probe() in v1/defaults.go). */
enum { GRACE_DEFAULT_S = 30, PERIOD_DEFAULT_S = 10, THRESHOLD_DEFAULT = 3 };

/* What a probe learns. */
enum asked { ASKED_LIVEZ, ASKED_STARTUPZ, ASKED_READYZ, ASKED_SOMETHING };

static const char *const pages[] = {
	[ASKED_LIVEZ] = "livez",
	[ASKED_STARTUPZ] = "startupz",
	[ASKED_READYZ] = "readyz",
};

static enum asked page_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (strncmp(text, pages[i], strlen(pages[i])) == 0 &&
			strchr("?", text[strlen(pages[i])]))
			return (enum asked)i;
	return ASKED_SOMETHING;
}

static const char *item(const struct tree *list, size_t i)
{
	const char *text = i < tree_count(list) ? tree_text(list->entries[i].value, "") : NULL;

	return text ? text : "";
}

/* [citus-init, probe, livez] */
static enum asked asked_by_command(const struct tree *command)
{
	for (size_t i = 0; i < tree_count(command); i++) {
		const char *slash = strrchr(item(command, i), '/');
		const char *name = slash ? slash + 1 : item(command, i);

		if (strcmp(name, "citus-init") != 0 || strcmp(item(command, i + 1), "probe") != 0)
			continue;
		return i + 2 < command->count ? page_of(item(command, i + 2)) : ASKED_READYZ;
	}
	return ASKED_SOMETHING;
}

static enum asked asked_by(const struct tree *probe)
{
	const char *path = tree_text(probe, "httpGet.path");

	if (path)
		return page_of(path + (*path == '/'));
	return asked_by_command(tree_get(probe, "exec.command"));
}

static long period_of(const struct tree *probe)
{
	return tree_number(probe, "periodSeconds", PERIOD_DEFAULT_S);
}

static long threshold_of(const struct tree *probe)
{
	return tree_number(probe, "failureThreshold", THRESHOLD_DEFAULT);
}

/* How long a hanging container is left alone at the least: it may begin to hang just before the
 * first failing try. */
static double patience_of(const struct tree *probe)
{
	return (double)period_of(probe) * ((double)threshold_of(probe) - 1);
}

/* How long a container that has just been started is left alone. */
static double start_patience_of(const struct tree *probe)
{
	return (double)tree_number(probe, "initialDelaySeconds", 0) +
	       (double)period_of(probe) * (double)threshold_of(probe);
}

void rule_grace_period(struct subject *s)
{
	const struct settings *settings = s->settings.settings;
	const struct tree *at = tree_get(s->pod.spec, "terminationGracePeriodSeconds");
	const long grace = tree_number(at, "", GRACE_DEFAULT_S);
	const long deadline = settings_number(settings, SET_STOP_DEADLINE);

	if (!settings_text(settings, SET_STOP_DEADLINE) || grace >= deadline + GRACE_MARGIN_S)
		return;
	report(s, s->pod.set, at ? at : s->pod.spec,
		"the grace period is %ld s%s, and a stop may take %ld s (%s)", grace,
		at ? "" : " when terminationGracePeriodSeconds is not given", deadline,
		settings_origin(settings, SET_STOP_DEADLINE));
}

static const char *const probes[] = { "startupProbe", "livenessProbe", "readinessProbe" };

void rule_probe_target(struct subject *s)
{
	const long port = http_port_of(s);

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		const struct tree *get = tree_get(tree_get(s->pod.container, probes[i]), "httpGet");
		const char *path = tree_text(get, "path");
		const char *at = tree_text(get, "port");
		const char *scheme = tree_text(get, "scheme");

		if (!get)
			continue;
		if (!path || page_of(path + (*path == '/')) == ASKED_SOMETHING)
			report(s, s->pod.set, get,
				"%s asks for \"%s\", which citus-init does "
				"not serve",
				probes[i], path ? path : "/");
		if (port && port_number_of(s, at ? at : "") != port)
			report(s, s->pod.set, get,
				"%s asks at port \"%s\", but HTTP is served at %ld", probes[i],
				at ? at : "", port);
		if (scheme && strcmp(scheme, "HTTP") != 0)
			report(s, s->pod.set, tree_get(get, "scheme"), "%s speaks %s", probes[i],
				scheme);
	}
}

void rule_liveness(struct subject *s)
{
	const struct tree *probe = tree_get(s->pod.container, "livenessProbe");

	if (probe && patience_of(probe) < LIVENESS_LEAST_S)
		report(s, s->pod.set, probe,
			"livenessProbe may kill after %.0f s: (failureThreshold %ld - 1) x "
			"periodSeconds %ld",
			patience_of(probe), threshold_of(probe), period_of(probe));
}

static void prove_start(struct subject *s, const struct tree *probe, const char *name, double least)
{
	if (start_patience_of(probe) < least)
		report(s, s->pod.set, probe,
			"%s gives a start %.0f s: failureThreshold %ld x periodSeconds %ld", name,
			start_patience_of(probe), threshold_of(probe), period_of(probe));
}

void rule_slow_start(struct subject *s)
{
	const struct tree *startup = tree_get(s->pod.container, "startupProbe");
	const struct tree *liveness = tree_get(s->pod.container, "livenessProbe");

	if (liveness && asked_by(liveness) != ASKED_LIVEZ)
		report(s, s->pod.set, liveness,
			"livenessProbe asks for more than /livez, and so kills a postgres that "
			"recovers");
	else if (liveness && !startup)
		prove_start(s, liveness, "livenessProbe", INITDB_LEAST_S);
	if (startup)
		prove_start(s, startup, "startupProbe",
			asked_by(startup) == ASKED_LIVEZ ? INITDB_LEAST_S : RECOVERY_LEAST_S);
}

void rule_readiness(struct subject *s)
{
	const struct tree *probe = tree_get(s->pod.container, "readinessProbe");

	if (!probe)
		report(s, s->pod.set, s->pod.container, "there is no readinessProbe");
	else if (asked_by(probe) != ASKED_READYZ)
		report(s, s->pod.set, probe,
			"readinessProbe asks for something other than "
			"/readyz");
}
