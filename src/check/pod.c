#include "check/pod.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#include "base/banned.h"

/* A value may name others twice, and those others too. What is cut here is still too long for any
 * setting. */
enum { EXPANDED_MOST = 4096, VARIABLES_MOST = 500 };

void pod_value_fini(struct pod_value *value)
{
	secret_free(value->text);
	free(value->key);
	*value = (struct pod_value){ 0 };
}

/* Finds key in the object of that kind and name; *value has its mount already.
 */
static void find_in_object(const struct pod *pod, const char *kind, const char *name,
	const char *key, struct pod_value *value)
{
	value->kind = kind;
	value->name = name ? name : "";
	value->key = xstrdup(key);
	value->object = manifest_find(pod->all, kind, value->name, pod->set->namespace);
	value->state = POD_VALUE_NOT_GIVEN;
	if (!value->object)
		return;
	value->text = manifest_value(value->object, key, &value->at);
	value->state = value->text ? POD_VALUE_FOUND
		       : value->at ? POD_VALUE_BROKEN
				   : POD_VALUE_NO_KEY;
}

static char *expand(const struct pod_variables *known, const char *text)
{
	char *expanded = NULL;
	size_t length = 0;
	bool is_known = true;
	FILE *out = open_memstream(&expanded, &length);

	while (*text && is_known && ftell(out) < EXPANDED_MOST) {
		const char *end = strncmp(text, "$(", 2) == 0 ? strchr(text, ')') : NULL;
		_free_ char *name = end ? xstrndup(text + 2, (size_t)(end - text) - 2) : NULL;
		const struct pod_variable *v = name ? pod_variable_of(known, name) : NULL;

		if (v) {
			is_known = v->text != NULL;
			fputs(v->text ? v->text : "", out);
			text = end + 1;
		} else {
			/* "$$" stands for "$"; what is not known to the kubelet stays. */
			text += strncmp(text, "$$", 2) == 0;
			fputc(*text++, out);
		}
	}
	fclose(out);
	if (is_known)
		return expanded;
	free(expanded);
	return NULL;
}

/* What the first pod of the set would get. */
static char *field_of(const struct pod *pod, const char *path)
{
	static const char labels[] = "metadata.labels['";

	if (strcmp(path, "metadata.name") == 0)
		return xasprintf("%s-0", pod->set->name);
	if (strcmp(path, "metadata.namespace") == 0)
		return xstrdup(pod->set->namespace);
	if (strcmp(path, "status.podIP") == 0)
		return xstrdup("10.0.0.1");
	if (strncmp(path, labels, sizeof(labels) - 1) != 0)
		return NULL;
	const char *name = path + sizeof(labels) - 1;
	_free_ char *label = xstrndup(name, strcspn(name, "'"));
	const struct tree *value = tree_key(tree_get(pod->template, "metadata.labels"), label);
	return value && value->kind == TREE_SCALAR ? xstrdup(value->text) : NULL;
}

static void variable_fini(struct pod_variable *v)
{
	free(v->name);
	secret_free(v->text);
	pod_value_fini(&v->value);
}

static void add_variable(struct pod_variables *variables, struct pod_variable *v)
{
	if (variables->count >= VARIABLES_MOST) {
		variables->is_complete = false;
		variable_fini(v);
		return;
	}
	variables->list = xrealloc(variables->list, variables->count + 1, sizeof(*variables->list));
	variables->list[variables->count++] = *v;
}

/* Of envFrom: every key of the object. */
static void add_all_of(const struct pod *pod, const struct tree *from, const char *reference,
	const char *kind, struct pod_variables *variables)
{
	static const char *const parts[] = { "data", "stringData" };
	const struct tree *at = tree_get(from, reference);
	const char *prefix = tree_text(from, "prefix");
	const char *name = tree_text(at, "name");

	if (!at)
		return;
	const struct object *o =
		manifest_find(pod->all, kind, name ? name : "", pod->set->namespace);
	variables->is_complete &= o != NULL;
	for (size_t p = 0; o && p < ARRAY_LEN(parts); p++) {
		const struct tree *data = tree_get(o->root, parts[p]);

		for (size_t i = 0; data && data->kind == TREE_MAP && i < data->count; i++) {
			struct pod_variable v = { .at = at };

			v.name = xasprintf("%s%s", prefix ? prefix : "", data->entries[i].key);
			find_in_object(pod, kind, name, data->entries[i].key, &v.value);
			v.text = v.value.text ? xstrdup(v.value.text) : NULL;
			add_variable(variables, &v);
		}
	}
}

static void add_one(const struct pod *pod, const struct tree *item, struct pod_variables *variables)
{
	const struct tree *secret = tree_get(item, "valueFrom.secretKeyRef");
	const struct tree *map = tree_get(item, "valueFrom.configMapKeyRef");
	const struct tree *reference = secret ? secret : map;
	const char *field = tree_text(item, "valueFrom.fieldRef.fieldPath");
	const char *name = tree_text(item, "name");
	const char *text = tree_text(item, "value");
	const char *key = tree_text(reference, "key");
	struct pod_variable v = { .at = item };

	if (!name)
		return;
	v.name = xstrdup(name);
	if (reference) {
		find_in_object(pod, secret ? "Secret" : "ConfigMap", tree_text(reference, "name"),
			key ? key : "", &v.value);
		v.text = v.value.text ? xstrdup(v.value.text) : NULL;
	} else if (field) {
		v.text = field_of(pod, field);
	} else if (!tree_get(item, "valueFrom")) {
		v.text = expand(variables, text ? text : "");
	}
	add_variable(variables, &v);
}

void pod_variables_find(const struct pod *pod, struct pod_variables *variables)
{
	const struct tree *from = tree_get(pod->container, "envFrom");
	const struct tree *env = tree_get(pod->container, "env");

	*variables = (struct pod_variables){ .is_complete = true };
	for (size_t i = 0; i < tree_count(from); i++) {
		const struct tree *source = from->entries[i].value;

		add_all_of(pod, source, "configMapRef", "ConfigMap", variables);
		add_all_of(pod, source, "secretRef", "Secret", variables);
	}
	for (size_t i = 0; i < tree_count(env); i++)
		add_one(pod, env->entries[i].value, variables);
}

void pod_variables_fini(struct pod_variables *variables)
{
	for (size_t i = 0; i < variables->count; i++)
		variable_fini(&variables->list[i]);
	free(variables->list);
	*variables = (struct pod_variables){ 0 };
}

const struct pod_variable *pod_variable_of(const struct pod_variables *variables, const char *name)
{
	for (size_t i = variables->count; i > 0; i--)
		if (strcmp(variables->list[i - 1].name, name) == 0)
			return &variables->list[i - 1];
	return NULL;
}

/* The part of path below directory without its slash, or NULL. */
static const char *below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	while (length > 0 && directory[length - 1] == '/')
		length--;
	if (strncmp(path, directory, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length + strspn(path + length, "/");
}

const struct tree *pod_mount_of(const struct pod *pod, const char *path)
{
	const struct tree *mounts = tree_get(pod->container, "volumeMounts");
	const struct tree *found = NULL;
	size_t least = strlen(path) + 1; /* the shorter the rest, the longer the mount's path */

	for (size_t i = 0; i < tree_count(mounts); i++) {
		const struct tree *mount = mounts->entries[i].value;
		const char *at = tree_text(mount, "mountPath");
		const char *rest = at ? below(path, at) : NULL;

		if (!rest || strlen(rest) >= least)
			continue;
		least = strlen(rest);
		found = mount;
	}
	return found;
}

static const struct tree *find_named(const struct tree *list, const char *path, const char *name)
{
	for (size_t i = 0; i < tree_count(list); i++) {
		const char *found = tree_text(list->entries[i].value, path);

		if (found && strcmp(found, name) == 0)
			return list->entries[i].value;
	}
	return NULL;
}

const struct tree *pod_volume_of(const struct pod *pod, const struct tree *mount, const char **type)
{
	const char *name = tree_text(mount, "name");
	const struct tree *claims = tree_get(pod->set->root, "spec.volumeClaimTemplates");
	const struct tree *volume;

	*type = NULL;
	if (!name)
		return NULL;
	/* A claim wins over a volume of its name (updateStorage() in
	 * stateful_set_utils.go). */
	volume = find_named(claims, "metadata.name", name);
	if (volume) {
		*type = "volumeClaimTemplate";
		return volume;
	}
	volume = find_named(tree_get(pod->spec, "volumes"), "name", name);
	for (size_t i = 0; volume && volume->kind == TREE_MAP && i < volume->count; i++)
		if (strcmp(volume->entries[i].key, "name") != 0)
			*type = volume->entries[i].key;
	if (volume && !*type)
		*type = "emptyDir"; /* what a volume without a source is */
	return volume;
}

/* The key behind a path in the volume: by the list of items, or the path
 * itself. */
static const char *key_of(const struct tree *source, const char *path)
{
	const struct tree *items = tree_get(source, "items");

	if (!items)
		return path;
	return tree_text(find_named(items, "path", path), "key");
}

static void find_in_source(const struct pod *pod, const char *kind, const struct tree *source,
	const char *name_key, const char *path, struct pod_value *value)
{
	const char *key = key_of(source, path);

	find_in_object(pod, kind, tree_text(source, name_key), key ? key : path, value);
	/* A list of items leaves all others out. */
	if (!key)
		value->state = POD_VALUE_NO_KEY;
}

/* One of several sources has the file: a source that is known goes before one that is not. */
static bool is_better(enum pod_value_state state, enum pod_value_state than)
{
	return state == POD_VALUE_FOUND || state == POD_VALUE_BROKEN ||
	       (state == POD_VALUE_NOT_GIVEN && than != POD_VALUE_FOUND) ||
	       than == POD_VALUE_UNKNOWN;
}

static void find_projected(const struct pod *pod, const struct tree *projected, const char *path,
	struct pod_value *value)
{
	const struct tree *sources = tree_get(projected, "sources");

	for (size_t i = 0; i < tree_count(sources); i++) {
		const struct tree *source = sources->entries[i].value;
		const struct tree *secret = tree_get(source, "secret");
		const struct tree *map = tree_get(source, "configMap");
		struct pod_value one = { .mount = value->mount };

		if (!secret && !map)
			continue;
		find_in_source(pod, secret ? "Secret" : "ConfigMap", secret ? secret : map, "name",
			path, &one);
		if (is_better(one.state, value->state)) {
			pod_value_fini(value);
			*value = one;
		} else {
			pod_value_fini(&one);
		}
	}
}

void pod_file_find(const struct pod *pod, const char *path, struct pod_value *value)
{
	const char *type;

	*value = (struct pod_value){ .mount = pod_mount_of(pod, path) };
	const struct tree *volume = pod_volume_of(pod, value->mount, &type);
	if (!volume) {
		value->state = POD_VALUE_NO_VOLUME;
		return;
	}
	const char *rest = below(path, tree_text(value->mount, "mountPath"));
	const char *sub_path = tree_text(value->mount, "subPath");
	_free_ char *inside = sub_path && *sub_path
				      ? xasprintf("%s%s%s", sub_path, *rest ? "/" : "", rest)
				      : xstrdup(rest);
	const struct tree *source = tree_get(volume, type);

	value->state = POD_VALUE_UNKNOWN;
	if (tree_text(value->mount, "subPathExpr"))
		return;
	if (strcmp(type, "secret") == 0)
		find_in_source(pod, "Secret", source, "secretName", inside, value);
	else if (strcmp(type, "configMap") == 0)
		find_in_source(pod, "ConfigMap", source, "name", inside, value);
	else if (strcmp(type, "projected") == 0)
		find_projected(pod, source, inside, value);
}
