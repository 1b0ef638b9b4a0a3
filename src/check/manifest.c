#include "check/manifest.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#include "base/banned.h"

enum { OBJECTS_MOST = 10 * 1000 };

static int refuse(struct yaml_problem *problem, const struct tree *at, const char *why)
{
	*problem = (struct yaml_problem){ .line = at->line };
	return err_set(&problem->e, ERR_CONFIG, "%s", why);
}

static bool is_list(const char *kind, const struct tree *root)
{
	size_t length = strlen(kind);

	return length >= 4 && strcmp(kind + length - 4, "List") == 0 && tree_get(root, "items");
}

static int add_object(
	struct manifest *m, const char *file, const struct tree *root, struct yaml_problem *problem)
{
	const char *kind = tree_text(root, "kind");
	const char *name = tree_text(root, "metadata.name");
	const char *namespace = tree_text(root, "metadata.namespace");

	if (root->kind == TREE_NULL)
		return 0;
	if (!kind)
		return refuse(problem, root,
			"this is not a Kubernetes object: it has no \"kind\". For a "
			"kustomization, give what \"kubectl kustomize DIRECTORY\" prints");
	if (is_list(kind, root)) {
		const struct tree *items = tree_get(root, "items");

		for (size_t i = 0; i < items->count; i++)
			if (add_object(m, file, items->entries[i].value, problem) < 0)
				return -1;
		return 0;
	}
	if (m->count >= OBJECTS_MOST)
		return refuse(problem, root, "there are too many objects");
	m->objects = xrealloc(m->objects, m->count + 1, sizeof(*m->objects));
	m->objects[m->count++] = (struct object){
		.file = file,
		.kind = kind,
		.name = name ? name : "",
		.namespace = namespace && *namespace ? namespace : "default",
		.root = root,
	};
	return 0;
}

int manifest_add(struct manifest *m, const char *file, const char *text, size_t length,
	struct yaml_problem *problem)
{
	struct yaml_trees *trees = yaml_trees_read(text, length, problem);

	if (!trees)
		return -1;
	m->files = xrealloc(m->files, m->file_count + 1, sizeof(*m->files));
	m->files[m->file_count] = (struct manifest_file){ xstrdup(file), trees };
	file = m->files[m->file_count++].name;
	for (size_t i = 0; i < yaml_trees_count(trees); i++)
		if (add_object(m, file, yaml_trees_root(trees, i), problem) < 0)
			return -1;
	return 0;
}

void manifest_fini(struct manifest *m)
{
	for (size_t i = 0; i < m->file_count; i++) {
		yaml_trees_free(m->files[i].trees);
		free(m->files[i].name);
	}
	free(m->files);
	free(m->objects);
	*m = (struct manifest){ 0 };
}

const struct object *manifest_find(
	const struct manifest *m, const char *kind, const char *name, const char *namespace)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct object *o = &m->objects[i];

		if (strcmp(o->kind, kind) == 0 && strcmp(o->name, name) == 0 &&
			strcmp(o->namespace, namespace) == 0)
			return o;
	}
	return NULL;
}

static int digit_of_base64(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Strict, as Go's base64.StdEncoding, which ignores line ends only. NULL when it is not valid or
 * holds a zero byte. */
static char *decode_base64(const char *text)
{
	char *bytes = xcalloc(strlen(text) / 4 * 3 + 4, 1);
	unsigned group = 0;
	size_t digits = 0, padding = 0, used = 0;

	for (; *text; text++) {
		int digit = digit_of_base64(*text);

		if (*text == '\r' || *text == '\n')
			continue;
		if (*text == '=')
			padding++;
		if (padding > 2 || (digit < 0 && *text != '=') || (digit >= 0 && padding))
			break;
		group = group << 6 | (unsigned)(digit < 0 ? 0 : digit);
		if (++digits % 4 != 0)
			continue;
		bytes[used] = (char)(group >> 16);
		bytes[used + 1] = (char)(group >> 8);
		bytes[used + 2] = (char)group;
		used += 3 - padding;
	}
	bytes[used] = '\0';
	if (*text == '\0' && digits % 4 == 0 && strlen(bytes) == used)
		return bytes;
	secret_free(bytes);
	return NULL;
}

char *manifest_value(const struct object *o, const char *key, const struct tree **at)
{
	bool is_secret = strcmp(o->kind, "Secret") == 0;

	/* stringData wins over data. */
	*at = is_secret ? tree_key(tree_get(o->root, "stringData"), key) : NULL;
	bool is_encoded = is_secret && !*at;
	if (!*at)
		*at = tree_key(tree_get(o->root, "data"), key);
	if (!*at || (*at)->kind != TREE_SCALAR)
		return NULL;
	return is_encoded ? decode_base64((*at)->text) : xstrdup((*at)->text);
}
