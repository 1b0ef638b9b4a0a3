#include "check/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

static const struct check_rule rules[] = {
	{ "yaml", CHECK_ERROR, NULL, "A file is not YAML, or holds no Kubernetes objects",
		"kubectl would refuse it too, or create something other than what you see.",
		"Correct the place named." },
	{ "no-set", CHECK_ERROR, NULL, "There is no StatefulSet of citus-init in the files",
		"Only all files together show whether names, sizes and secrets fit.",
		"Give all files of the cluster in one call, or what `kubectl kustomize` prints." },
	{ "replicas", CHECK_ERROR, rule_replicas,
		"`replicas` differ from SET_SIZE (more pass with `--scaling-down`)",
		"With fewer the cluster waits for nodes that never come; with more the nodes "
		"beyond SET_SIZE refuse to start.",
		"Give both the same number. To scale down, lower SET_SIZE first, and `replicas` "
		"when no shards are left on the nodes that go; in between, check with "
		"`--scaling-down`." },
	{ "group", CHECK_ERROR, rule_group, "POD_GROUP is not the StatefulSet's name",
		"Nodes know each other as POD_GROUP-ORDINAL, and pods are named after the "
		"StatefulSet.",
		"Give POD_GROUP, the StatefulSet, its `serviceName` and the headless Service "
		"the same name." },
	{ "service-name", CHECK_ERROR, rule_service_name, "`serviceName` is not POD_GROUP",
		"The nodes' names, such as `citus-1.citus.default.svc...`, are made from "
		"POD_GROUP, but exist only below `serviceName`.",
		"Give POD_GROUP, the StatefulSet, its `serviceName` and the headless Service "
		"the same name." },
	{ "headless-service", CHECK_ERROR, rule_headless_service,
		"The Service that `serviceName` names is missing or not headless",
		"Without it, or with an address of its own, the names of the pods do not exist.",
		"Add the Service with `clusterIP: None`, in the same namespace." },
	{ "not-ready-addresses", CHECK_ERROR, rule_not_ready_addresses,
		"The headless Service lacks `publishNotReadyAddresses: true`",
		"A node becomes Ready after the coordinator has reached it by its name: without "
		"this setting each waits for the other.",
		"Set `publishNotReadyAddresses: true`." },
	{ "selector", CHECK_ERROR, rule_selector,
		"The StatefulSet or its headless Service selects labels that the pods do not have",
		"The API server refuses such a StatefulSet, and such a Service gives no names.",
		"Repeat the labels of the pod template in both selectors." },
	{ "client-service", CHECK_ERROR, rule_client_service,
		"A Service for clients does not lead to the coordinator",
		"Clients belong to the coordinator: on a worker they cannot create tables, and a "
		"selector that fits no pod refuses everybody.",
		"Select the pods' labels and `statefulset.kubernetes.io/pod-name: NAME-0`." },
	{ "port", CHECK_ERROR, rule_port, "A port was changed in one place only",
		"Nodes connect to each other's postgres directly, at the port of the settings. "
		"A Service or a named port that points elsewhere leads nowhere.",
		"Leave it at 5432, or change `CITUS_INIT_POSTGRES_PORT`, `containerPort` and the "
		"Services together. The `port` that clients use is free." },
	{ "pod-management", CHECK_ERROR, rule_pod_management,
		"`podManagementPolicy` is OrderedReady",
		"Each pod waits until the one before is Ready, and the coordinator is not Ready "
		"before it has seen the others: nothing ever starts.",
		"Set `podManagementPolicy: Parallel`. It cannot be changed later: delete the "
		"StatefulSet with `--cascade=orphan` and create it anew." },
	{ "ordinals", CHECK_ERROR, rule_ordinals, "`spec.ordinals.start` is not 0",
		"Ordinal 0 is the coordinator; there would be none.", "Leave `ordinals` out." },
	{ "volume", CHECK_ERROR, rule_volume,
		"No volume is mounted where the data directory is, or it cannot be used",
		"The data would be in the container's own file system and be gone with every "
		"restart; with a read-only root nothing starts.",
		"Mount a volume at the directory above `PGDATA`: `/pgdata`." },
	{ "volume-at-data", CHECK_ERROR, rule_volume_at_data,
		"A volume is mounted at `PGDATA` itself, or in it",
		"The data directory is made beside its place and renamed into it, and nothing "
		"can be renamed to a mount point. So the program refuses it.",
		"Mount it at the directory above: `/pgdata`, not `/pgdata/data`." },
	{ "shared-volume", CHECK_ERROR, rule_shared_volume,
		"All pods share the volume of one claim",
		"One node locks it, and all others refuse to start.",
		"Use `volumeClaimTemplates`: a claim for each pod." },
	{ "empty-dir", CHECK_WARNING, rule_empty_dir, "The data is in emptyDir",
		"It is gone when the pod is deleted, moved or evicted. That is for a demo.",
		"Use `volumeClaimTemplates`, as `overlays/persistent` does." },
	{ "update-strategy", CHECK_ERROR, rule_update_strategy, "RollingUpdate on emptyDir",
		"A rollout deletes one pod after another, and the data of each with it.",
		"Set `updateStrategy: {type: OnDelete}`, or give the data a claim." },
	{ "retention", CHECK_ERROR, rule_retention,
		"`persistentVolumeClaimRetentionPolicy` deletes claims",
		"A mistaken `replicas` or `kubectl delete` would destroy data.",
		"Leave it out or set Retain; delete claims by hand." },
	{ "fs-group", CHECK_WARNING, rule_fs_group,
		"The pod runs as an ordinary user, with a claimed volume and without `fsGroup`",
		"Most new volumes belong to root, so a program that does not run as root cannot "
		"write to them.",
		"Set `fsGroup` in the pod's securityContext, and `fsGroupChangePolicy: "
		"OnRootMismatch`." },
	{ "run-directory", CHECK_ERROR, rule_run_directory,
		"The run directory cannot be written to",
		"It holds the sockets of the running node; with a read-only root file system it "
		"must be a volume.",
		"Mount an emptyDir with `medium: Memory` at `/run/citus-init`." },
	{ "grace-period", CHECK_ERROR, rule_grace_period,
		"`terminationGracePeriodSeconds` is not at least 5 s longer than the stop deadline",
		"The kubelet would kill postgres while it shuts down, and the next start would "
		"begin with recovery.",
		"Raise the grace period, or lower `[stop] deadline`. A preStop hook counts too." },
	{ "probe-target", CHECK_ERROR, rule_probe_target,
		"A probe asks for a page or a port that is not there",
		"It always fails: the pod never becomes Ready, or is killed again and again.",
		"Ask for `/startupz`, `/livez` and `/readyz` at the HTTP port, 8008." },
	{ "liveness", CHECK_ERROR, rule_liveness,
		"The liveness probe is less patient than PID 1's watchdog",
		"PID 1 replaces a hung agent after 60 s, without harm to the database. A probe "
		"that is faster kills a healthy postgres instead.",
		"(failureThreshold - 1) x periodSeconds must be 75 s or more: 5 and 30 are good." },
	{ "slow-start", CHECK_ERROR, rule_slow_start, "A probe kills a node that starts slowly",
		"Recovery after a crash can take hours, and begins again when it is killed. "
		"initdb takes its time on slow volumes.",
		"Let the liveness probe ask for `/livez` only, and give the startup probe hours: "
		"failureThreshold x periodSeconds of 3600 s at least (for `/livez`, 120 s)." },
	{ "readiness", CHECK_WARNING, rule_readiness, "No readiness probe at `/readyz`",
		"Clients would reach a coordinator that has no cluster yet, and a rollout would "
		"go on before a node is back.",
		"Add one: `httpGet: {path: /readyz, port: http}`." },
	{ "image-tag", CHECK_ERROR, rule_image_tag, "The image has no version",
		"Nodes would run different versions after one is rescheduled, and then refuse "
		"each other.",
		"Name a version or a digest." },
	{ "settings", CHECK_ERROR, rule_settings, "The program would refuse a setting",
		"The container would end with exit code 78; this is what it would say.",
		"As the message says; all settings: docs/configuration.md." },
	{ "string", CHECK_ERROR, rule_string,
		"A value of a variable, a ConfigMap or a Secret is a number or a boolean",
		"The API server takes strings only there.", "Put it in quotes: \"7\"." },
	{ "missing-key", CHECK_ERROR, rule_missing_key,
		"A password or the INI file is missing where the program looks for it",
		"The container would not start, or end with exit code 78.",
		"Add the key to the Secret or ConfigMap, or correct the path, the mount or the "
		"reference." },
	{ "not-given", CHECK_WARNING, rule_not_given,
		"A Secret or a ConfigMap in use is not in the files",
		"Its content cannot be checked. That is fine for a Secret that comes from "
		"elsewhere.",
		"Give its file too, if there is one." },
	{ "sub-path", CHECK_ERROR, rule_sub_path, "A live file is mounted with `subPath`",
		"The kubelet does not update such a file while the container runs: a new SET_SIZE "
		"or password is not seen.",
		"Mount the whole ConfigMap or Secret as a directory." },
	{ "secret-variable", CHECK_ERROR, rule_secret_variable,
		"A password is a variable (`secretKeyRef`), or is written in the manifest",
		"A variable keeps its value until the container is started again, so a changed "
		"Secret is not seen; and many people read a manifest.",
		"Mount the Secret, and name the file in `<VARIABLE>_FILE`." },
	{ "default-password", CHECK_WARNING, rule_default_password,
		"A password is that of the sample manifest", "Everybody knows it.",
		"Put your own into the Secret: `openssl rand -hex 16 | tr -d '\\n' | base64`." },
};

/* The rules that no function proves. */
enum { RULE_YAML, RULE_NO_SET };

/* A container that is given one of our settings, or our program. */
static bool runs_a_node(const struct tree *container)
{
	const struct tree *env = tree_get(container, "env");
	const char *image = tree_text(container, "image");

	if (image && strstr(image, "citus-init"))
		return true;
	for (size_t i = 0; i < tree_count(env); i++) {
		const char *name = tree_text(env->entries[i].value, "name");

		if (name && (strcmp(name, "POD_GROUP") == 0 || strcmp(name, "SET_SIZE") == 0 ||
				    strncmp(name, "CITUS_INIT_", 11) == 0))
			return true;
	}
	return false;
}

static bool is_set(const struct object *o)
{
	return strcmp(o->kind, "StatefulSet") == 0;
}

static const struct tree *containers_of(const struct object *set)
{
	return tree_get(set->root, "spec.template.spec.containers");
}

static const struct tree *our_container(const struct object *set)
{
	const struct tree *containers = containers_of(set);

	for (size_t i = 0; i < tree_count(containers); i++)
		if (runs_a_node(containers->entries[i].value))
			return containers->entries[i].value;
	return NULL;
}

static void prove(const struct manifest *m, const struct object *set, const struct tree *container,
	const struct check_options *options, struct findings *findings)
{
	struct subject s = {
		.pod = {
			.all = m,
			.set = set,
			.template = tree_get(set->root, "spec.template"),
			.spec = tree_get(set->root, "spec.template.spec"),
			.container = container,
		},
		.spec = tree_get(set->root, "spec"),
		.options = options,
		.findings = findings,
	};

	pod_settings_load(&s.pod, &s.settings);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		s.rule = &rules[i];
		if (rules[i].prove)
			rules[i].prove(&s);
	}
	pod_settings_fini(&s.settings);
}

/* The only StatefulSet there is, when it has a container. */
static const struct object *only_set(const struct manifest *m)
{
	const struct object *found = NULL;

	for (size_t i = 0; i < m->count; i++) {
		if (!is_set(&m->objects[i]))
			continue;
		if (found)
			return NULL;
		found = &m->objects[i];
	}
	return found && tree_count(containers_of(found)) > 0 ? found : NULL;
}

static size_t place_of(const struct manifest *m, const char *file)
{
	size_t i = 0;

	while (i < m->file_count && m->files[i].name != file)
		i++;
	return i;
}

static int by_place(const void *a, const void *b, void *manifest)
{
	const struct finding *x = a, *y = b;
	size_t file_x = place_of(manifest, x->file), file_y = place_of(manifest, y->file);

	if (file_x != file_y)
		return file_x < file_y ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

void check_manifest(
	const struct manifest *m, const struct check_options *options, struct findings *findings)
{
	bool is_found = false;

	for (size_t i = 0; i < m->count; i++) {
		const struct object *o = &m->objects[i];
		const struct tree *container = is_set(o) ? our_container(o) : NULL;

		if (!container)
			continue;
		is_found = true;
		prove(m, o, container, options, findings);
	}
	const struct object *only = is_found ? NULL : only_set(m);
	if (only)
		prove(m, only, containers_of(only)->entries[0].value, options, findings);
	else if (!is_found)
		findings_add(findings, &rules[RULE_NO_SET], m->file_count ? m->files[0].name : "",
			0, 0, xstrdup("none of the files given has a StatefulSet of citus-init"));
	if (findings->count)
		qsort_r(findings->list, findings->count, sizeof(*findings->list), by_place,
			(void *)m);
}

void check_add_problem(
	const char *file, const struct yaml_problem *problem, struct findings *findings)
{
	findings_add(findings, &rules[RULE_YAML], file, problem->line, problem->column,
		xstrdup(problem->e.msg));
}

void check_print_markdown(FILE *out)
{
	fprintf(out,
		"| Rule | Level | Found | Why it is wrong | What to do |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct check_rule *r = &rules[i];

		fprintf(out, "| `%s` | %s | %s. | %s | ", r->name, check_level_name(r->level),
			r->what, r->why);
		for (const char *c = r->fix; *c; c++)
			fprintf(out, *c == '|' ? "\\|" : "%c", *c);
		fprintf(out, " |\n");
	}
}
