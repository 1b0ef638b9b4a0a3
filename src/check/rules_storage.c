/* Rules about volumes: that data is kept, and that a node can use what it is given. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "check/rule.h"

#include "base/banned.h"

/* Claims are made by Kubernetes or by people; data in them outlives a pod. */
static const char claim_template[] = "volumeClaimTemplate";

static char *volume_path(const struct subject *s)
{
	const char *data = settings_text(s->settings.settings, SET_PGDATA);

	return data ? file_parent(data) : NULL;
}

const struct tree *data_mount_of(const struct subject *s, const char **type)
{
	_free_ char *path = volume_path(s);
	const struct tree *mount = path ? pod_mount_of(&s->pod, path) : NULL;

	*type = NULL;
	return pod_volume_of(&s->pod, mount, type) ? mount : NULL;
}

static bool has_type(const char *type, const char *name)
{
	return type && strcmp(type, name) == 0;
}

/* A mount at the data directory or inside it, or NULL. */
static const struct tree *mount_in_data(const struct subject *s)
{
	const char *data = settings_text(s->settings.settings, SET_PGDATA);
	const struct tree *mounts = tree_get(s->pod.container, "volumeMounts");

	for (size_t i = 0; data && i < tree_count(mounts); i++) {
		const char *path = tree_text(mounts->entries[i].value, "mountPath");
		size_t length = strlen(data);

		if (path && strncmp(path, data, length) == 0 &&
			(path[length] == '/' || !path[length]))
			return mounts->entries[i].value;
	}
	return NULL;
}

/* Where a mount is missing. */
static const struct tree *mounts_of(const struct subject *s)
{
	const struct tree *mounts = tree_get(s->pod.container, "volumeMounts");

	return mounts ? mounts : s->pod.container;
}

static bool is_same_path(const char *a, const char *b)
{
	size_t length = strlen(b);

	return strncmp(a, b, length) == 0 && strspn(a + length, "/") == strlen(a + length);
}

void rule_volume(struct subject *s)
{
	_free_ char *path = volume_path(s);
	const struct tree *mount = path ? pod_mount_of(&s->pod, path) : NULL;
	const char *name = tree_text(mount, "name");
	const char *type;

	if (!path || mount_in_data(s))
		return;
	if (!mount)
		report(s, s->pod.set, mounts_of(s),
			"no volume is mounted at \"%s\", where the data directory lies", path);
	else if (!is_same_path(tree_text(mount, "mountPath"), path))
		report(s, s->pod.set, mount,
			"the volume is mounted at \"%s\", but the data directory is \"%s\"",
			tree_text(mount, "mountPath"),
			settings_text(s->settings.settings, SET_PGDATA));
	else if (!pod_volume_of(&s->pod, mount, &type))
		report(s, s->pod.set, mount,
			"neither a volume nor a claim template has the name \"%s\"",
			name ? name : "");
	else if (tree_is_true(mount, "readOnly"))
		report(s, s->pod.set, mount, "the volume at \"%s\" is mounted read-only", path);
}

void rule_volume_at_data(struct subject *s)
{
	const struct tree *mount = mount_in_data(s);

	if (mount)
		report(s, s->pod.set, mount,
			"a volume is mounted at \"%s\", in the data directory itself",
			tree_text(mount, "mountPath"));
}

void rule_shared_volume(struct subject *s)
{
	const char *type;
	const struct tree *mount = data_mount_of(s, &type);

	if (has_type(type, "persistentVolumeClaim") && !tree_get(mount, "subPathExpr") &&
		tree_number(s->spec, "replicas", 1) > 1)
		report(s, s->pod.set, pod_volume_of(&s->pod, mount, &type),
			"all pods get the volume of one claim, \"%s\"", tree_text(mount, "name"));
}

/* Its data goes with the pod. */
static bool is_lost_with_pod(const char *type)
{
	return has_type(type, "emptyDir") || has_type(type, "ephemeral");
}

void rule_empty_dir(struct subject *s)
{
	const char *type;
	const struct tree *mount = data_mount_of(s, &type);

	if (is_lost_with_pod(type))
		report(s, s->pod.set, pod_volume_of(&s->pod, mount, &type),
			"the data is in a volume of type %s", type);
}

void rule_update_strategy(struct subject *s)
{
	const char *type;
	const char *strategy = tree_text(s->spec, "updateStrategy.type");

	data_mount_of(s, &type);
	if (is_lost_with_pod(type) && (!strategy || strcmp(strategy, "OnDelete") != 0))
		report(s, s->pod.set, strategy ? tree_get(s->spec, "updateStrategy") : s->spec,
			"updateStrategy is %s, with data in a volume of type %s",
			strategy ? strategy : "not given, which means RollingUpdate", type);
}

void rule_retention(struct subject *s)
{
	static const char *const keys[] = { "whenDeleted", "whenScaled" };
	const struct tree *policy = tree_get(s->spec, "persistentVolumeClaimRetentionPolicy");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (has_type(tree_text(policy, keys[i]), "Delete"))
			report(s, s->pod.set, tree_get(policy, keys[i]),
				"persistentVolumeClaimRetentionPolicy: %s is Delete", keys[i]);
}

void rule_fs_group(struct subject *s)
{
	const char *type;
	const struct tree *mount = data_mount_of(s, &type);
	const struct tree *of_pod = tree_get(s->pod.spec, "securityContext");
	const struct tree *own = tree_get(s->pod.container, "securityContext");
	const long user = tree_number(own, "runAsUser", tree_number(of_pod, "runAsUser", 0));

	if (!has_type(type, claim_template) && !has_type(type, "persistentVolumeClaim"))
		return;
	if ((user != 0 || tree_is_true(own, "runAsNonRoot") ||
		    tree_is_true(of_pod, "runAsNonRoot")) &&
		!tree_get(of_pod, "fsGroup"))
		report(s, s->pod.set, of_pod ? of_pod : mount,
			"the pod runs as an ordinary user, and no fsGroup lets it write to its "
			"volume");
}

void rule_run_directory(struct subject *s)
{
	const char *path = settings_text(s->settings.settings, SET_RUN_DIRECTORY);
	const struct tree *mount = path ? pod_mount_of(&s->pod, path) : NULL;

	if (path && !mount &&
		tree_is_true(s->pod.container, "securityContext.readOnlyRootFilesystem"))
		report(s, s->pod.set, mounts_of(s),
			"the root file system is read-only, and no volume is mounted at \"%s\"",
			path);
	else if (path && mount && tree_is_true(mount, "readOnly"))
		report(s, s->pod.set, mount, "the run directory \"%s\" is mounted read-only", path);
}
