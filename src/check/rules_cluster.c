/* Rules about the cluster: its size, its names, and the services that lead to it. */
#include <string.h>

#include "base/mem.h"
#include "check/rule.h"

#include "base/banned.h"

static const char pod_name_label[] = "statefulset.kubernetes.io/pod-name";
static const char pod_index_label[] = "apps.kubernetes.io/pod-index";

static bool is_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

void rule_replicas(struct subject *s)
{
	const struct settings *settings = s->settings.settings;
	const long size = settings_number(settings, SET_SET_SIZE);
	const struct tree *at = tree_get(s->spec, "replicas");
	const long replicas = tree_number(at, "", 1);

	if (!settings_text(settings, SET_SET_SIZE) || replicas == size ||
		(replicas > size && s->options->is_scaling_down))
		return;
	report(s, s->pod.set, at ? at : s->spec,
		"StatefulSet \"%s\" has %ld replicas, but SET_SIZE is %ld (%s)%s", s->pod.set->name,
		replicas, size, settings_origin(settings, SET_SET_SIZE),
		replicas > size ? ", which is right only while nodes are being drained" : "");
}

void rule_group(struct subject *s)
{
	const char *group = settings_text(s->settings.settings, SET_POD_GROUP);
	const struct pod_variable *v = pod_variable_of(&s->settings.variables, "POD_GROUP");

	if (!group || strcmp(group, s->pod.set->name) == 0)
		return;
	report(s, s->pod.set, v ? v->at : s->pod.container,
		"POD_GROUP is \"%s\", but the StatefulSet's name is \"%s\"", group,
		s->pod.set->name);
}

void rule_service_name(struct subject *s)
{
	const char *group = settings_text(s->settings.settings, SET_POD_GROUP);
	const char *service = tree_text(s->spec, "serviceName");

	if (!service)
		report(s, s->pod.set, s->spec, "StatefulSet \"%s\" has no serviceName",
			s->pod.set->name);
	else if (group && strcmp(group, service) != 0)
		report(s, s->pod.set, tree_get(s->spec, "serviceName"),
			"serviceName is \"%s\", but POD_GROUP is \"%s\"", service, group);
}

/* The service that gives the pods their names. */
static const struct object *governing_service(const struct subject *s)
{
	const char *name = tree_text(s->spec, "serviceName");

	return name ? manifest_find(s->pod.all, "Service", name, s->pod.set->namespace) : NULL;
}

static bool is_headless(const struct object *service)
{
	return is_same(tree_text(service->root, "spec.clusterIP"), "None");
}

void rule_headless_service(struct subject *s)
{
	const char *name = tree_text(s->spec, "serviceName");
	const struct object *service = governing_service(s);

	if (!name)
		return;
	if (!service)
		report(s, s->pod.set, tree_get(s->spec, "serviceName"),
			"there is no Service \"%s\" in namespace \"%s\" in the files", name,
			s->pod.set->namespace);
	else if (!is_headless(service))
		report(s, service, tree_get(service->root, "spec"),
			"Service \"%s\" is not headless: its clusterIP is not None", name);
}

void rule_not_ready_addresses(struct subject *s)
{
	const struct object *service = governing_service(s);

	if (service && !tree_is_true(service->root, "spec.publishNotReadyAddresses"))
		report(s, service, tree_get(service->root, "spec"),
			"Service \"%s\" does not publish the addresses of pods that are not Ready",
			service->name);
}

static bool is_of_one_pod(const char *label)
{
	return strcmp(label, pod_name_label) == 0 || strcmp(label, pod_index_label) == 0;
}

enum match { MATCH_ALL, MATCH_BUT_ONE_POD };

/* The first label that a selector wants and the pods do not have, or NULL. Labels that the
 * StatefulSet's controller gives each pod can be left out. */
static const struct tree_entry *unmatched(
	const struct tree *selector, const struct tree *labels, enum match match)
{
	for (size_t i = 0; selector && selector->kind == TREE_MAP && i < selector->count; i++) {
		const struct tree_entry *wanted = &selector->entries[i];
		const struct tree *label = tree_key(labels, wanted->key);

		if (match == MATCH_BUT_ONE_POD && is_of_one_pod(wanted->key))
			continue;
		if (!label || strcmp(label->text, wanted->value->text) != 0)
			return wanted;
	}
	return NULL;
}

void rule_selector(struct subject *s)
{
	const struct object *service = governing_service(s);
	const struct tree *labels = tree_get(s->pod.template, "metadata.labels");
	const struct {
		const struct object *object;
		const struct tree *selector;
	} selectors[] = {
		{ s->pod.set, tree_get(s->spec, "selector.matchLabels") },
		{ service, service ? tree_get(service->root, "spec.selector") : NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(selectors); i++) {
		const struct object *o = selectors[i].object;
		const struct tree *selector = selectors[i].selector;

		if (!o)
			continue;
		const struct tree_entry *wanted = unmatched(selector, labels, MATCH_ALL);
		if (tree_count(selector) == 0)
			report(s, o, tree_get(o->root, "spec"), "%s \"%s\" has no selector",
				o->kind, o->name);
		else if (wanted)
			report(s, o, wanted->value,
				"the selector of %s \"%s\" wants the label %s: %s, which the pods "
				"of the StatefulSet do not have",
				o->kind, o->name, wanted->key, wanted->value->text);
	}
}

/* What a port of a service leads to, by number or name. */
static const char *target_of(const struct tree *port)
{
	const char *target = tree_text(port, "targetPort");
	const char *same = tree_text(port, "port");

	return target ? target : same ? same : "";
}

static bool leads_to_postgres(const struct subject *s, const struct object *service)
{
	const struct tree *ports = tree_get(service->root, "spec.ports");
	const long port = settings_number(s->settings.settings, SET_PORT);

	for (size_t i = 0; i < tree_count(ports); i++)
		if (port_number_of(s, target_of(ports->entries[i].value)) == port)
			return true;
	return false;
}

/* A service for clients: neither headless nor one that leads out of the cluster. */
static const struct tree *client_selector(const struct object *o)
{
	if (strcmp(o->kind, "Service") != 0 || is_headless(o))
		return NULL;
	/* One without labels selects nothing: its endpoints are made by hand. */
	const struct tree *selector = tree_get(o->root, "spec.selector");
	return tree_count(selector) > 0 ? selector : NULL;
}

static void prove_client_service(struct subject *s, const struct object *o)
{
	const struct tree *selector = client_selector(o);
	const struct tree *labels = tree_get(s->pod.template, "metadata.labels");
	const struct tree_entry *wanted = unmatched(selector, labels, MATCH_BUT_ONE_POD);
	const struct tree *pod = tree_key(selector, pod_name_label);
	const struct tree *index = tree_key(selector, pod_index_label);
	_free_ char *coordinator = xasprintf("%s-0", s->pod.set->name);
	size_t length = strlen(s->pod.set->name);

	if (wanted && is_same(pod ? pod->text : NULL, coordinator))
		report(s, o, wanted->value,
			"Service \"%s\" selects nothing: it wants the label %s: %s, which the pods "
			"of the StatefulSet do not have",
			o->name, wanted->key, wanted->value->text);
	else if (!wanted && !pod && !index && leads_to_postgres(s, o))
		report(s, o, selector,
			"Service \"%s\" leads clients to every node, not to the coordinator",
			o->name);
	else if (!wanted && pod &&
		 (strncmp(pod->text, coordinator, length + 1) != 0 || !pod->text[length + 1]))
		report(s, o, pod, "Service \"%s\" selects \"%s\", which is not a pod of \"%s\"",
			o->name, pod->text, s->pod.set->name);
}

void rule_client_service(struct subject *s)
{
	for (size_t i = 0; i < s->pod.all->count; i++) {
		const struct object *o = &s->pod.all->objects[i];

		if (client_selector(o) && strcmp(o->namespace, s->pod.set->namespace) == 0)
			prove_client_service(s, o);
	}
}

static void prove_targets(struct subject *s, const struct object *service, long postgres)
{
	const struct tree *ports = tree_get(service->root, "spec.ports");

	for (size_t i = 0; i < tree_count(ports); i++) {
		const struct tree *port = ports->entries[i].value;
		const long target = port_number_of(s, target_of(port));

		if (target != postgres && target != http_port_of(s))
			report(s, service, port,
				"Service \"%s\" leads to port %s of the pods, but postgres listens "
				"on %ld",
				service->name, target_of(port), postgres);
	}
}

/* The governing service must have postgres' port under its own number: no port is translated on
 * the way to a headless service. */
static void prove_governing(struct subject *s, long postgres)
{
	const struct object *service = governing_service(s);
	const struct tree *ports = service ? tree_get(service->root, "spec.ports") : NULL;

	for (size_t i = 0; i < tree_count(ports); i++)
		if (tree_number(ports->entries[i].value, "port", 0) == postgres)
			return;
	if (tree_count(ports) > 0)
		report(s, service, ports,
			"Service \"%s\" has no port %ld, on which postgres listens", service->name,
			postgres);
}

static void prove_container_ports(struct subject *s, long postgres)
{
	const struct tree *ports = tree_get(s->pod.container, "ports");

	for (size_t i = 0; i < tree_count(ports); i++)
		if (tree_number(ports->entries[i].value, "containerPort", 0) == postgres)
			return;
	if (tree_count(ports) > 0)
		report(s, s->pod.set, ports, "no containerPort is %ld, on which postgres listens",
			postgres);
}

void rule_port(struct subject *s)
{
	const struct tree *labels = tree_get(s->pod.template, "metadata.labels");
	const long postgres = settings_number(s->settings.settings, SET_PORT);

	if (postgres == 0)
		return;
	prove_governing(s, postgres);
	prove_container_ports(s, postgres);
	for (size_t i = 0; i < s->pod.all->count; i++) {
		const struct object *o = &s->pod.all->objects[i];
		const struct tree *selector = client_selector(o);

		if (selector && strcmp(o->namespace, s->pod.set->namespace) == 0 &&
			!unmatched(selector, labels, MATCH_BUT_ONE_POD))
			prove_targets(s, o, postgres);
	}
}

void rule_pod_management(struct subject *s)
{
	const char *policy = tree_text(s->spec, "podManagementPolicy");

	if (!is_same(policy, "Parallel"))
		report(s, s->pod.set, policy ? tree_get(s->spec, "podManagementPolicy") : s->spec,
			"podManagementPolicy is %s, not Parallel",
			policy ? policy : "not given, which means OrderedReady");
}

void rule_ordinals(struct subject *s)
{
	const long start = tree_number(s->spec, "ordinals.start", 0);

	if (start != 0)
		report(s, s->pod.set, tree_get(s->spec, "ordinals.start"),
			"the ordinals start at %ld", start);
}
