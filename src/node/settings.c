#include "node/settings.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "node/settings_check.h"
#include "node/settings_ini.h"

#include "base/banned.h"

enum { FILE_MOST = 256 * 1024, SECRET_FILE_MOST = 4096 };

struct settings {
	struct setting_value values[SETTING_COUNT];
};

/* Everything that a value can come from. */
struct sources {
	char *const *environment;
	int secrets_fd;
	bool is_given; /* no file is read: the INI file's text is the next */
	const char *config_text;
	const char *config_file;
	struct settings_ini_value ini[SETTING_COUNT];
};

static const char *find_variable(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length >= n && strncmp(text + length - n, end, n) == 0;
}

/*
 * For a service called citus-init or citus-init-..., Kubernetes sets ..._SERVICE_HOST,
 * ..._SERVICE_PORT, ..._SERVICE_PORT_NAME, ..._PORT=tcp://..., ..._PORT_8008_TCP and so on in
 * every pod of the namespace (kubelet's envvars.FromServices()).
 */
static bool is_of_a_service(const char *name, size_t length, const char *value)
{
	const char *port = memmem(name, length, "_PORT_", 6);

	return ends_with(name, length, "_SERVICE_HOST") ||
	       ends_with(name, length, "_SERVICE_PORT") ||
	       memmem(name, length, "_SERVICE_PORT_", 14) ||
	       (ends_with(name, length, "_PORT") && strstr(value, "://")) ||
	       (port && port[6] >= '0' && port[6] <= '9');
}

static void find_unknown_variables(char *const *environment, struct settings_errors *errors)
{
	const char *names[SETTING_COUNT + 1] = { NULL };

	for (size_t i = 0; i < SETTING_COUNT; i++)
		names[i] = settings_table[i].env;
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');

		if (!equals || strncmp(*environment, "CITUS_INIT_", 11) != 0 ||
			strncmp(*environment, "CITUS_INIT_LOCAL_", 17) == 0)
			continue;
		size_t length = (size_t)(equals - *environment);
		_free_ char *name = xstrndup(*environment, length);
		bool known = false;
		for (size_t i = 0; i < SETTING_COUNT; i++)
			known |= strcmp(name, names[i]) == 0;
		if (known || is_of_a_service(name, length, equals + 1))
			continue;
		_free_ char *hint = settings_did_you_mean(name, names);
		settings_errors_add(
			errors, "environment variable %s: there is no such setting%s", name, hint);
	}
}

/* Takes text, if it is good, as the value; origin is handed over. */
static void take_value(struct settings *s, enum setting_id id, const char *text, char *origin,
	struct settings_errors *errors)
{
	const struct setting *setting = &settings_table[id];
	struct setting_value *value = &s->values[id];
	struct err e;

	free(value->origin);
	value->origin = origin;
	if (settings_check_value(id, text, &value->text, &value->number, &e) == 0)
		return;
	/* The name of a variable stands in its origin, a key of the INI file does not. */
	bool named = strstr(origin, setting->env) != NULL;
	bool of_service = !(setting->flags & SETTING_SECRET) && strstr(text, "://");
	settings_errors_add(errors, "%s: %s%s%s%s", origin, named ? "" : setting->key,
		named ? "" : ": ", e.msg,
		of_service ? " (Kubernetes sets such a variable for a service of that name: give "
			     "the pod enableServiceLinks: false)"
			   : "");
}

static void take_default(struct settings *s, enum setting_id id, struct settings_errors *errors)
{
	const struct setting *setting = &settings_table[id];

	if (setting->fallback)
		take_value(s, id, setting->fallback, xstrdup("default"), errors);
	else if (setting->flags & SETTING_SECRET)
		settings_errors_add(errors,
			"%s is not set, and there is no default password: set %s, or %s_FILE to "
			"the path of a file that holds it",
			setting->env, setting->env, setting->env);
	else if (setting->flags & SETTING_REQUIRED)
		settings_errors_add(errors,
			"%s is not set: set the environment variable or \"%s\" in section [%s] of "
			"the INI file",
			setting->env, setting->key, setting->section);
}

static void take_ini(struct settings *s, enum setting_id id, const struct sources *from,
	struct settings_errors *errors)
{
	char *origin = xasprintf("%s:%d", from->config_file, from->ini[id].line);

	if (*from->ini[id].text) {
		take_value(s, id, from->ini[id].text, origin, errors);
		return;
	}
	settings_errors_add(errors, "%s: \"%s\" has no value", origin, settings_table[id].key);
	free(origin);
}

static void take_plain(struct settings *s, enum setting_id id, const struct sources *from,
	struct settings_errors *errors)
{
	const struct setting *setting = &settings_table[id];
	const char *variable = find_variable(from->environment, setting->env);
	bool in_ini = from->ini[id].text != NULL;

	/* Orchestrators and compose files set variables to nothing for "not set". */
	if (variable && !*variable)
		variable = NULL;
	if (variable && !(in_ini && setting->flags & SETTING_LIVE))
		take_value(s, id, variable, xasprintf("environment variable %s", setting->env),
			errors);
	else if (in_ini)
		take_ini(s, id, from, errors);
	else
		take_default(s, id, errors);
}

static void take_secret_file(
	struct settings *s, enum setting_id id, const char *path, struct settings_errors *errors)
{
	const char *env = settings_table[id].env;
	char *text = NULL;
	size_t length;
	struct err e;

	/* Not shown: somebody may have put the password itself here. */
	if (path[0] != '/') {
		settings_errors_add(errors,
			"environment variable %s_FILE: this is not an absolute path of a file "
			"that holds the password",
			env);
		return;
	}
	if (file_read(path, SECRET_FILE_MOST, &text, &length, &e) < 0) {
		settings_errors_add(errors, "%s_FILE: %s (read as uid %u)", env, e.msg, geteuid());
		return;
	}
	if (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	if (length == 0)
		settings_errors_add(errors, "%s_FILE: \"%s\" is empty", env, path);
	else if (strlen(text) != length)
		settings_errors_add(errors, "%s_FILE: \"%s\" holds a zero byte", env, path);
	else
		take_value(s, id, text, xasprintf("%s_FILE \"%s\"", env, path), errors);
	explicit_bzero(text, length);
	free(text);
}

static void take_secret(struct settings *s, enum setting_id id, const struct sources *from,
	struct settings_errors *errors)
{
	const struct setting *setting = &settings_table[id];
	_free_ char *file_variable = xasprintf("%s_FILE", setting->env);
	const char *path = find_variable(from->environment, file_variable);
	const char *variable = find_variable(from->environment, setting->env);
	char *sealed = from->secrets_fd >= 0 ? secret_read(from->secrets_fd, setting->env) : NULL;

	if (sealed)
		variable = sealed;
	if (variable && path)
		settings_errors_add(errors, "%s and %s are both set: use one of them", setting->env,
			file_variable);
	else if (variable && !*variable)
		settings_errors_add(
			errors, "environment variable %s: the password is empty", setting->env);
	else if (variable)
		take_value(s, id, variable, xasprintf("environment variable %s", setting->env),
			errors);
	else if (path && !from->is_given)
		take_secret_file(s, id, path, errors);
	else if (from->ini[id].text)
		take_ini(s, id, from, errors);
	else
		take_default(s, id, errors);
	secret_free(sealed);
}

static void read_config_file(
	const struct settings *s, struct sources *from, struct settings_errors *errors)
{
	const char *path = s->values[SET_CONFIG_FILE].text;
	bool is_default = strcmp(settings_origin(s, SET_CONFIG_FILE), "default") == 0;
	char *text;
	size_t length;
	struct err e;

	if (!path)
		return;
	from->config_file = path;
	if (is_default && access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (file_read(path, FILE_MOST, &text, &length, &e) < 0) {
		settings_errors_add(errors, "%s: %s",
			is_default ? "INI file" : settings_origin(s, SET_CONFIG_FILE), e.msg);
		return;
	}
	settings_ini_parse(path, text, length, from->ini, errors);
	explicit_bzero(text, length);
	free(text);
}

enum secrets { SECRETS_READ, SECRETS_LEFT_OUT };

/* Also a setting that has an error. */
static struct settings *load_all(
	struct sources *from, enum secrets secrets, struct settings_errors *errors)
{
	struct settings *s = xcalloc(1, sizeof(*s));

	*errors = (struct settings_errors){ 0 };
	take_plain(s, SET_CONFIG_FILE, from, errors);
	if (!from->is_given)
		read_config_file(s, from, errors);
	else if (from->config_text)
		settings_ini_parse(from->config_file, from->config_text, strlen(from->config_text),
			from->ini, errors);
	for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
		if (id == SET_CONFIG_FILE)
			continue;
		if (!(settings_table[id].flags & SETTING_SECRET))
			take_plain(s, id, from, errors);
		else if (secrets == SECRETS_READ)
			take_secret(s, id, from, errors);
		secret_free(from->ini[id].text);
	}
	find_unknown_variables(from->environment, errors);
	if (errors->count == 0)
		settings_check_together(s->values, errors);
	return s;
}

static struct settings *load(char *const *environment, int secrets_fd, enum secrets secrets,
	struct settings_errors *errors)
{
	struct sources from = { .environment = environment, .secrets_fd = secrets_fd };
	struct settings *s = load_all(&from, secrets, errors);

	if (errors->count == 0)
		return s;
	settings_free(s);
	return NULL;
}

struct settings *settings_load(
	char *const *environment, int secrets_fd, struct settings_errors *errors)
{
	return load(environment, secrets_fd, SECRETS_READ, errors);
}

struct settings *settings_load_without_secrets(
	char *const *environment, struct settings_errors *errors)
{
	return load(environment, -1, SECRETS_LEFT_OUT, errors);
}

struct settings *settings_load_given(char *const *environment, const char *ini_name,
	const char *ini_text, struct settings_errors *errors)
{
	struct sources from = {
		.environment = environment,
		.secrets_fd = -1,
		.is_given = true,
		.config_text = ini_text,
		.config_file = ini_name,
	};

	return load_all(&from, SECRETS_READ, errors);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		secret_free(s->values[i].text);
		free(s->values[i].origin);
	}
	free(s);
}

const char *settings_text(const struct settings *s, enum setting_id id)
{
	return s->values[id].text;
}

long settings_number(const struct settings *s, enum setting_id id)
{
	return s->values[id].number;
}

const char *settings_origin(const struct settings *s, enum setting_id id)
{
	return s->values[id].origin ? s->values[id].origin : "not given";
}

const char *settings_secret(const struct settings *s, enum setting_id id)
{
	return s->values[id].text;
}
