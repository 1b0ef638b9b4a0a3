#include "local/environment.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "node/databases.h"
#include "node/fixed_roles.h"
#include "node/settings.h"

#include "base/banned.h"

const char environment_group[] = "citus";

/* What a node may know of its caller. A sanitizer's options reach the nodes of such a build. */
static const char *const handed_on[] = { "PATH", "LANG", "LC_ALL", "LC_COLLATE", "LC_CTYPE",
	"LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "TMPDIR", "TZ", "ASAN_OPTIONS",
	"LSAN_OPTIONS", "UBSAN_OPTIONS", NULL };

/* libpq's variables that would lead COMMAND elsewhere, or in another way. */
static const char *const of_connection[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE",
	"PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGREQUIREAUTH",
	"PGCHANNELBINDING", "PGSSLMODE", "PGREQUIRESSL", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT",
	"PGSSLCRL", "PGSSLCRLDIR", "PGGSSENCMODE", "PGTARGETSESSIONATTRS", NULL };

struct list {
	char **items;
	size_t count;
};

/* Takes ownership of item. */
static void add(struct list *list, char *item)
{
	list->items = xrealloc(list->items, list->count + 2, sizeof(*list->items));
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

static bool is_named(const char *variable, const char *name)
{
	size_t length = strlen(name);

	return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool is_one_of(const char *variable, const char *const *names)
{
	for (; *names; names++)
		if (is_named(variable, *names))
			return true;
	return false;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *environment_get(char *const *environment, const char *name)
{
	for (; *environment; environment++)
		if (is_named(*environment, name))
			return *environment + strlen(name) + 1;
	return NULL;
}

void environment_free(char **environment)
{
	for (char **item = environment; item && *item; item++)
		secret_free(*item);
	free(environment);
}

static void add_setting(struct list *list, enum setting_id id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add_setting(struct list *list, enum setting_id id, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	int length = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (length < 0)
		abort();
	add(list, xasprintf("%s=%s", settings_table[id].env, value));
	secret_free(value);
}

char **environment_of_node(char *const *caller, const struct state *s, int ordinal)
{
	const struct network *net = &s->network;
	struct list list = { 0 };
	char host[NETWORK_HOST_SIZE];

	network_host(net, ordinal, host);
	add_setting(&list, SET_POD_GROUP, "%s", environment_group);
	add_setting(&list, SET_POD_NAME, "%s-%d", environment_group, ordinal);
	add_setting(&list, SET_SET_SIZE, "%d", s->nodes);
	add_setting(&list, SET_PGDATA, "%s/%s-%d/data", s->directory, environment_group, ordinal);
	add_setting(
		&list, SET_RUN_DIRECTORY, "%s/%s-%d/run", s->directory, environment_group, ordinal);
	add_setting(&list, SET_SUPERPASS, "%s", s->superpass);
	add_setting(&list, SET_ADMINPASS, "%s", s->adminpass);
	add_setting(&list, SET_REPPASS, "%s", s->reppass);
	if (net->port) {
		add_setting(&list, SET_HOST_PATTERN, "127.%d.%d.{ordinal}", net->a, net->b);
		add_setting(&list, SET_LISTEN_ADDRESSES, "%s", host);
		add_setting(&list, SET_PORT, "%d", net->port);
		add_setting(&list, SET_HTTP_ADDRESS, "%s:%d", host, net->http_port);
	}

	/* As a container runtime sets it; without it libpq would look for the user's in passwd. */
	add(&list, xasprintf("HOME=%s/%s-%d", s->directory, environment_group, ordinal));

	size_t ours = list.count;
	for (; *caller; caller++) {
		bool known = is_one_of(*caller, handed_on) ||
			     (starts_with(*caller, "CITUS_INIT_") &&
				     !starts_with(*caller, "CITUS_INIT_LOCAL_"));
		for (size_t i = 0; known && i < ours; i++) {
			size_t name = strcspn(list.items[i], "=");
			known = strncmp(*caller, list.items[i], name + 1) != 0;
		}
		if (known)
			add(&list, xstrdup(*caller));
	}
	return list.items;
}

/* The variables that COMMAND and the script may rely on. */
static char **connection_of(const struct state *s)
{
	struct list list = { 0 };
	char host[NETWORK_HOST_SIZE];

	network_host(&s->network, 0, host);
	add(&list, xasprintf("PGHOST=%s", host));
	add(&list, xasprintf("PGPORT=%d", s->network.port));
	add(&list, xasprintf("PGUSER=%s", fixed_roles[FIXED_ROLE_ADMIN].name));
	add(&list, xstrdup("PGDATABASE=" DATABASE_CITUS));
	add(&list, xasprintf("PGPASSWORD=%s", s->adminpass));
	add(&list, xasprintf("CITUS_INIT_LOCAL_SUPERPASS=%s", s->superpass));
	add(&list, xasprintf("CITUS_INIT_LOCAL_DIR=%s", s->directory));
	add(&list, xasprintf("CITUS_INIT_LOCAL_HTTP=%s:%d", host, s->network.http_port));
	return list.items;
}

char **environment_of_command(char *const *caller, const struct state *s)
{
	struct list list = { .items = connection_of(s) };

	while (list.items[list.count])
		list.count++;
	for (; *caller; caller++)
		if (!is_one_of(*caller, of_connection) &&
			!starts_with(*caller, "CITUS_INIT_LOCAL_"))
			add(&list, xstrdup(*caller));
	return list.items;
}

void environment_print_script(FILE *out, const struct state *s)
{
	char **connection = connection_of(s);

	fprintf(out, "# read by a shell: \". FILE && psql\" connects to the cluster\n");
	for (char **item = connection; *item; item++) {
		int name = (int)strcspn(*item, "=");

		fprintf(out, "export %.*s='", name, *item);
		for (const char *c = *item + name + 1; *c; c++)
			if (*c == '\'')
				fputs("'\\''", out);
			else
				fputc(*c, out);
		fputs("'\n", out);
	}
	environment_free(connection);
}
