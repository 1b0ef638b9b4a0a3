#include "node/render.h"

#include <string.h>

#include "base/mem.h"
#include "node/template.h"
#include "node/templates.h"

#include "base/banned.h"

const char *const render_file_names[RENDER_FILE_COUNT] = {
	[RENDER_POSTGRESQL_CONF] = "postgresql.conf",
	[RENDER_PG_HBA] = "pg_hba.conf",
	[RENDER_PG_IDENT] = "pg_ident.conf",
};

enum variable_id {
	VARIABLE_NODE,
	VARIABLE_GROUP,
	VARIABLE_ORDINAL,
	VARIABLE_ROLE,
	VARIABLE_HOST,
	VARIABLE_PORT,
	VARIABLE_PHASE,
	VARIABLE_MAJOR,
	VARIABLE_LOCALE,
	VARIABLE_CITUS_IS_OUTPUT_PLUGIN,
	VARIABLE_COUNT
};

static const char *const variable_names[VARIABLE_COUNT] = {
	[VARIABLE_NODE] = "node",
	[VARIABLE_GROUP] = "group",
	[VARIABLE_ORDINAL] = "ordinal",
	[VARIABLE_ROLE] = "role",
	[VARIABLE_HOST] = "host",
	[VARIABLE_PORT] = "port",
	[VARIABLE_PHASE] = "phase",
	[VARIABLE_MAJOR] = "major",
	[VARIABLE_LOCALE] = "locale",
	[VARIABLE_CITUS_IS_OUTPUT_PLUGIN] = "citus_is_output_plugin",
};

enum peer_field { PEER_NAME, PEER_HOST, PEER_ORDINAL, PEER_ROLE, PEER_PORT, PEER_FIELD_COUNT };

static const char *const peer_field_names[PEER_FIELD_COUNT] = {
	[PEER_NAME] = "name",
	[PEER_HOST] = "host",
	[PEER_ORDINAL] = "ordinal",
	[PEER_ROLE] = "role",
	[PEER_PORT] = "port",
};

/* All values as text, made once for the three files. */
struct values {
	char *variables[VARIABLE_COUNT];
	char *(*peers)[PEER_FIELD_COUNT];
	int peer_count;
};

static int index_of(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static const char *variable(const void *ctx, const char *name)
{
	const struct values *v = ctx;
	int i = index_of(name, variable_names, VARIABLE_COUNT);

	return i < 0 ? NULL : v->variables[i];
}

static int count(const void *ctx, const char *list)
{
	const struct values *v = ctx;

	return strcmp(list, "peers") == 0 ? v->peer_count : -1;
}

static const char *field(const void *ctx, const char *list, int index, const char *name)
{
	const struct values *v = ctx;
	int i = index_of(name, peer_field_names, PEER_FIELD_COUNT);

	(void)list;
	if (i < 0)
		return NULL;
	return index < 0 ? "" : v->peers[index][i];
}

static void values_init(struct values *v, const struct render_input *in)
{
	const struct identity *id = in->identity;
	const struct settings *s = in->settings;

	*v = (struct values){
		.variables = {
			[VARIABLE_NODE] = xstrdup(id->name),
			[VARIABLE_GROUP] = xstrdup(id->group),
			[VARIABLE_ORDINAL] = xasprintf("%d", id->ordinal),
			[VARIABLE_ROLE] = xstrdup(role_name(id->role)),
			[VARIABLE_HOST] = xstrdup(id->host),
			[VARIABLE_PORT] = xasprintf("%d", id->port),
			[VARIABLE_PHASE] = xstrdup(phase_name(in->phase)),
			[VARIABLE_MAJOR] = xasprintf("%d", in->major),
			[VARIABLE_LOCALE] = xstrdup(settings_text(s, SET_INITDB_LOCALE)),
			[VARIABLE_CITUS_IS_OUTPUT_PLUGIN] =
				xstrdup(in->has_output_plugin_libraries ? "true" : "false"),
		},
		.peers = xcalloc((size_t)id->size, sizeof(*v->peers)),
		.peer_count = id->size,
	};
	for (int i = 0; i < id->size; i++) {
		v->peers[i][PEER_NAME] = identity_name_of(id, i);
		v->peers[i][PEER_HOST] = identity_host_of(id, i);
		v->peers[i][PEER_ORDINAL] = xasprintf("%d", i);
		v->peers[i][PEER_ROLE] =
			xstrdup(role_name(i == 0 ? ROLE_COORDINATOR : ROLE_WORKER));
		v->peers[i][PEER_PORT] = xasprintf("%d", id->port);
	}
}

static void values_fini(struct values *v)
{
	for (int i = 0; i < VARIABLE_COUNT; i++)
		free(v->variables[i]);
	for (int i = 0; i < v->peer_count; i++)
		for (int f = 0; f < PEER_FIELD_COUNT; f++)
			free(v->peers[i][f]);
	free(v->peers);
}

int render_files(const struct render_input *in, struct rendered *out, struct err *e)
{
	const char *const templates[RENDER_FILE_COUNT] = {
		[RENDER_POSTGRESQL_CONF] = template_postgresql_conf,
		[RENDER_PG_HBA] = template_pg_hba_conf,
		[RENDER_PG_IDENT] = template_pg_ident_conf,
	};
	struct values values;
	const struct template_values look_up = {
		.ctx = &values, .variable = variable, .count = count, .field = field
	};
	int status = 0;

	values_init(&values, in);
	*out = (struct rendered){ 0 };
	for (int i = 0; i < RENDER_FILE_COUNT && status == 0; i++) {
		_free_ char *name = xasprintf("%s.tmpl", render_file_names[i]);

		out->text[i] = template_expand(name, templates[i], &look_up, e);
		status = out->text[i] ? 0 : -1;
	}
	values_fini(&values);
	return status;
}

void rendered_fini(struct rendered *rendered)
{
	for (int i = 0; i < RENDER_FILE_COUNT; i++)
		free(rendered->text[i]);
	*rendered = (struct rendered){ 0 };
}
