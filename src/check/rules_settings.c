/* Rules about settings and passwords: what the program itself would say, and what it cannot see. */
#include <string.h>

#include "base/mem.h"
#include "check/rule.h"
#include "node/sample_password.h"

#include "base/banned.h"

/* The line of the INI file that a message begins with, "citus-init.ini:3: ...", or 0. */
static int line_of_ini(const struct pod_settings *settings, const char *message)
{
	const size_t length = strlen(settings->ini_name);

	if (strncmp(message, settings->ini_name, length) != 0 || message[length] != ':')
		return 0;
	return (int)strtol(message + length + 1, NULL, 10);
}

static bool names(const char *message, const char *variable)
{
	size_t length = strlen(variable);

	/* A password in a file is loaded as if it were the variable's. */
	if (length > 5 && strcmp(variable + length - 5, "_FILE") == 0)
		length -= 5;
	return length > 0 && memmem(message, strlen(message), variable, length) != NULL;
}

/* The longest name in the message, for one may be a part of another. */
static const struct tree *variable_in(const struct subject *s, const char *message)
{
	const struct pod_variables *variables = &s->settings.variables;
	const struct pod_variable *found = NULL;

	for (size_t i = 0; i < variables->count; i++) {
		const struct pod_variable *v = &variables->list[i];

		if (names(message, v->name) && (!found || strlen(v->name) > strlen(found->name)))
			found = v;
	}
	return found ? found->at : s->pod.container;
}

void rule_settings(struct subject *s)
{
	const struct pod_value *ini = &s->settings.ini;

	for (size_t i = 0; i < s->settings.errors.count; i++) {
		const char *message = s->settings.errors.messages[i];
		const int line = line_of_ini(&s->settings, message);

		if (line > 0 && ini->at)
			report_line(s, ini->object->file,
				ini->at->line + (ini->at->is_literal ? line : 0), "%s", message);
		else
			report(s, s->pod.set, variable_in(s, message), "%s", message);
	}
}

static bool is_no_string(const struct tree *value)
{
	return value && !(value->kind == TREE_SCALAR && value->is_string);
}

static void prove_strings(struct subject *s, const struct object *o, const char *path)
{
	const struct tree *data = tree_get(o->root, path);

	for (size_t i = 0; data && data->kind == TREE_MAP && i < data->count; i++)
		if (is_no_string(tree_key(data, data->entries[i].key)))
			report(s, o, data->entries[i].value,
				"the value of \"%s\" in %s \"%s\" is not a string",
				data->entries[i].key, o->kind, o->name);
}

void rule_string(struct subject *s)
{
	const struct tree *env = tree_get(s->pod.container, "env");

	for (size_t i = 0; i < tree_count(env); i++) {
		const struct tree *variable = env->entries[i].value;
		const struct tree *value = tree_get(variable, "value");
		const char *name = tree_text(variable, "name");

		if (is_no_string(value))
			report(s, s->pod.set, value, "the value of variable %s is not a string",
				name ? name : "");
	}
	for (size_t i = 0; i < s->pod.all->count; i++) {
		const struct object *o = &s->pod.all->objects[i];

		if (strcmp(o->namespace, s->pod.set->namespace) != 0)
			continue;
		if (strcmp(o->kind, "ConfigMap") == 0 || strcmp(o->kind, "Secret") == 0)
			prove_strings(s, o, "data");
		if (strcmp(o->kind, "Secret") == 0)
			prove_strings(s, o, "stringData");
	}
}

/* A value that a variable names, or is. path is NULL for the latter. */
static void prove_value(struct subject *s, const struct pod_value *value,
	const struct pod_variable *v, const char *path)
{
	switch (value->state) {
	case POD_VALUE_NO_VOLUME:
		/* Not shown: somebody may have put the password itself there. */
		if (path[0] != '/') {
			report(s, s->pod.set, v->at, "%s is not an absolute path", v->name);
			break;
		}
		report(s, s->pod.set, v->at, "%s is \"%s\", but no volume is mounted there",
			v->name, path);
		break;
	case POD_VALUE_NO_KEY:
		report(s, s->pod.set, v->at, "%s wants \"%s\" of %s \"%s\", which has no such key",
			v->name, value->key, value->kind, value->name);
		break;
	case POD_VALUE_BROKEN:
		report(s, value->object, value->at,
			"the value of \"%s\" in Secret \"%s\" is not valid base64", value->key,
			value->name);
		break;
	case POD_VALUE_NONE:
	case POD_VALUE_FOUND:
	case POD_VALUE_NOT_GIVEN:
	case POD_VALUE_UNKNOWN: break;
	}
}

/* Calls found() for every value that comes from a Secret or a ConfigMap. */
static void for_each_value(
	struct subject *s, void (*found)(struct subject *s, const struct pod_value *value,
				   const struct pod_variable *v, const char *path))
{
	const struct pod_settings *settings = &s->settings;
	const struct pod_variable *ini =
		pod_variable_of(&settings->variables, settings_table[SET_CONFIG_FILE].env);

	for (size_t i = 0; i < settings->variables.count; i++) {
		const struct pod_variable *v = &settings->variables.list[i];
		const struct tree *from = tree_get(v->at, "valueFrom");

		if (!tree_is_true(from, "secretKeyRef.optional") &&
			!tree_is_true(from, "configMapKeyRef.optional"))
			found(s, &v->value, v, NULL);
	}
	for (size_t i = 0; i < settings->secret_count; i++) {
		const struct pod_variable *v = settings->secrets[i].file_variable;

		if (v)
			found(s, &settings->secrets[i].file, v, v->text ? v->text : "");
	}
	if (ini && ini->text)
		found(s, &settings->ini, ini, ini->text);
}

void rule_missing_key(struct subject *s)
{
	for_each_value(s, prove_value);
}

static void prove_given(struct subject *s, const struct pod_value *value,
	const struct pod_variable *v, const char *path)
{
	(void)path;
	if (value->state == POD_VALUE_NOT_GIVEN)
		report(s, s->pod.set, v->at, "%s \"%s\", which %s comes from, is not in the files",
			value->kind, value->name, v->name);
}

void rule_not_given(struct subject *s)
{
	static const struct {
		const char *reference;
		const char *kind;
	} references[] = { { "configMapRef", "ConfigMap" }, { "secretRef", "Secret" } };
	const struct tree *from = tree_get(s->pod.container, "envFrom");

	for_each_value(s, prove_given);
	for (size_t i = 0; i < tree_count(from); i++)
		for (size_t r = 0; r < ARRAY_LEN(references); r++) {
			const struct tree *at =
				tree_get(from->entries[i].value, references[r].reference);
			const char *name = tree_text(at, "name");

			if (at && !manifest_find(s->pod.all, references[r].kind, name ? name : "",
					  s->pod.set->namespace))
				report(s, s->pod.set, at, "%s \"%s\" is not in the files",
					references[r].kind, name ? name : "");
		}
}

static void prove_mount(struct subject *s, const struct pod_value *value, const char *what)
{
	const struct tree *mount = value->mount;

	if (value->state == POD_VALUE_NO_VOLUME || !mount)
		return;
	if (tree_text(mount, "subPath") || tree_text(mount, "subPathExpr"))
		report(s, s->pod.set, mount, "%s is mounted with subPath", what);
}

void rule_sub_path(struct subject *s)
{
	prove_mount(s, &s->settings.ini, "the INI file");
	for (size_t i = 0; i < s->settings.secret_count; i++)
		prove_mount(s, &s->settings.secrets[i].file,
			settings_table[s->settings.secrets[i].id].env);
}

void rule_secret_variable(struct subject *s)
{
	for (size_t i = 0; i < s->settings.secret_count; i++) {
		const struct pod_variable *v = s->settings.secrets[i].variable;

		if (!v)
			continue;
		if (tree_get(v->at, "value"))
			report(s, s->pod.set, v->at, "the password %s is written in the manifest",
				v->name);
		else
			report(s, s->pod.set, v->at,
				"%s is a variable made of a Secret, not a file", v->name);
	}
}

void rule_default_password(struct subject *s)
{
	for (size_t i = 0; i < s->settings.secret_count; i++) {
		const struct pod_secret *secret = &s->settings.secrets[i];
		const char *text = pod_secret_text(secret);
		const char *name = settings_table[secret->id].env;
		const struct pod_value *value =
			secret->variable ? &secret->variable->value : &secret->file;

		if (!text || !sample_password_is(text))
			continue;
		if (value->object)
			report(s, value->object, value->at,
				"%s (\"%s\") is the password of the sample manifest", name,
				value->key);
		else
			report(s, s->pod.set, secret->variable->at,
				"%s is the password of the sample manifest", name);
	}
}

void rule_image_tag(struct subject *s)
{
	const char *image = tree_text(s->pod.container, "image");
	const char *slash = image ? strrchr(image, '/') : NULL;
	const char *name = slash ? slash + 1 : image;
	const char *tag = name ? strchr(name, ':') : NULL;

	if (!image)
		report(s, s->pod.set, s->pod.container, "the container has no image");
	else if (!strchr(name, '@') && (!tag || strcmp(tag, ":latest") == 0))
		report(s, s->pod.set, tree_get(s->pod.container, "image"),
			"the image \"%s\" has no version: its tag is %s", image,
			tag ? "latest" : "not given, which means latest");
}
