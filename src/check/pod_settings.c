#include "check/pod_settings.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#include "base/banned.h"

/* Stands for a password that the manifests do not hold. */
static const char not_told[] = "not-told";

/* The environment to be, as settings_load_given() takes it. */
struct environment {
	char **list;
	size_t count;
};

static void add(struct environment *e, const char *name, const char *value)
{
	e->list = xrealloc(e->list, e->count + 2, sizeof(*e->list));
	e->list[e->count++] = xasprintf("%s=%s", name, value);
	e->list[e->count] = NULL;
}

static void environment_fini(struct environment *e)
{
	for (size_t i = 0; i < e->count; i++)
		secret_free(e->list[i]);
	free(e->list);
}

const char *pod_secret_text(const struct pod_secret *secret)
{
	if (secret->variable)
		return secret->variable->text;
	return secret->file.state == POD_VALUE_FOUND ? secret->file.text : NULL;
}

static void find_secret(const struct pod *pod, enum setting_id id, struct pod_settings *s)
{
	struct pod_secret *secret = &s->secrets[s->secret_count++];
	_free_ char *file_name = xasprintf("%s_FILE", settings_table[id].env);

	*secret = (struct pod_secret){ .id = id };
	secret->variable = pod_variable_of(&s->variables, settings_table[id].env);
	secret->file_variable = pod_variable_of(&s->variables, file_name);
	if (!secret->file_variable || !secret->file_variable->text)
		return;
	pod_file_find(pod, secret->file_variable->text, &secret->file);
	/* The program leaves one newline at the end out too (take_secret_file() in
	 * settings.c). */
	size_t length = secret->file.text ? strlen(secret->file.text) : 0;
	if (length > 0 && secret->file.text[length - 1] == '\n')
		secret->file.text[length - 1] = '\0';
}

static void find_ini(const struct pod *pod, struct pod_settings *s)
{
	const struct setting *setting = &settings_table[SET_CONFIG_FILE];
	const struct pod_variable *v = pod_variable_of(&s->variables, setting->env);
	const char *path = v && v->text && *v->text ? v->text : setting->fallback;

	pod_file_find(pod, path, &s->ini);
	/* A path that is not known may lead to anything. */
	if (v && !v->text)
		s->ini.state = POD_VALUE_UNKNOWN;
	/* Without a variable there need be none. */
	bool is_absent = s->ini.state == POD_VALUE_NO_VOLUME || s->ini.state == POD_VALUE_NO_KEY;
	if (is_absent && (!v || (v->text && !*v->text)))
		pod_value_fini(&s->ini);
	s->ini_name = s->ini.key ? s->ini.key : "INI file";
}

/* The file of a password, whose content is put in its place. */
static bool is_replaced(const struct pod_settings *s, const struct pod_variable *v)
{
	for (size_t i = 0; i < s->secret_count; i++)
		if (s->secrets[i].file_variable == v && !s->secrets[i].variable)
			return true;
	return false;
}

/* The last of each name, but for those that are not known. */
static void add_variables(const struct pod_settings *s, struct environment *e)
{
	for (size_t i = 0; i < s->variables.count; i++) {
		const struct pod_variable *v = &s->variables.list[i];

		if (v->text && v == pod_variable_of(&s->variables, v->name) && !is_replaced(s, v))
			add(e, v->name, v->text);
	}
}

static void add_secret(
	const struct pod_secret *secret, bool may_be_elsewhere, struct environment *e)
{
	const char *text = pod_secret_text(secret);

	if (secret->variable && secret->variable->text)
		return;
	if (secret->variable || secret->file_variable || may_be_elsewhere)
		add(e, settings_table[secret->id].env, text ? text : not_told);
}

static void add_plain(const struct pod *pod, enum setting_id id, const struct pod_variable *v,
	bool may_be_elsewhere, struct environment *e)
{
	const struct setting *setting = &settings_table[id];
	const long replicas = tree_number(tree_get(pod->set->root, "spec"), "replicas", 1);
	_free_ char *size = xasprintf("%ld", replicas);

	if (!(setting->flags & SETTING_REQUIRED) || (v ? v->text != NULL : !may_be_elsewhere))
		return;
	add(e, setting->env, id == SET_SET_SIZE ? size : pod->set->name);
}

/* A required value that the manifests do not show counts as right. */
static void add_what_may_be(
	const struct pod *pod, const struct pod_settings *s, struct environment *e)
{
	const bool is_ini_told = s->ini.state == POD_VALUE_FOUND || s->ini.state == POD_VALUE_NONE;
	const bool may_be_elsewhere = !s->variables.is_complete || !is_ini_told;

	for (enum setting_id id = 0; id < SETTING_COUNT; id++)
		if (!(settings_table[id].flags & SETTING_SECRET))
			add_plain(pod, id, pod_variable_of(&s->variables, settings_table[id].env),
				may_be_elsewhere, e);
	for (size_t i = 0; i < s->secret_count; i++)
		add_secret(&s->secrets[i], may_be_elsewhere, e);
}

void pod_settings_load(const struct pod *pod, struct pod_settings *s)
{
	struct environment environment = { .list = xcalloc(1, sizeof(char *)) };

	*s = (struct pod_settings){ 0 };
	pod_variables_find(pod, &s->variables);
	find_ini(pod, s);
	for (enum setting_id id = 0; id < SETTING_COUNT; id++)
		if (settings_table[id].flags & SETTING_SECRET)
			find_secret(pod, id, s);
	add_variables(s, &environment);
	add_what_may_be(pod, s, &environment);
	s->settings = settings_load_given(environment.list, s->ini_name,
		s->ini.state == POD_VALUE_FOUND ? s->ini.text : NULL, &s->errors);
	environment_fini(&environment);
}

void pod_settings_fini(struct pod_settings *s)
{
	settings_free(s->settings);
	settings_errors_free(&s->errors);
	for (size_t i = 0; i < s->secret_count; i++)
		pod_value_fini(&s->secrets[i].file);
	pod_value_fini(&s->ini);
	pod_variables_fini(&s->variables);
}
