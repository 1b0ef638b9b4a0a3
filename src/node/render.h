/*
 * The configuration files as text: the templates, expanded with what follows
 * from the settings, the identity and the PostgreSQL that is installed. Asks
 * no server, so that the same input always gives the same bytes.
 */
#pragma once

#include <stdbool.h>

#include "base/phase.h"
#include "node/identity.h"
#include "node/settings.h"

enum render_file { RENDER_POSTGRESQL_CONF, RENDER_PG_HBA, RENDER_PG_IDENT, RENDER_FILE_COUNT };

struct render_input {
	const struct settings *settings;
	const struct identity *identity;
	/* Of the server that reads the files. */
	int major;
	bool has_output_plugin_libraries; /* a setting that 15.19 and its siblings brought */
	const char *conf_directory;	  /* where the files can be read by the server */
	enum phase phase;
};

struct rendered {
	char *text[RENDER_FILE_COUNT];
};

/* "postgresql.conf", "pg_hba.conf", "pg_ident.conf". */
extern const char *const render_file_names[RENDER_FILE_COUNT];

/* The caller frees with rendered_fini(), also after a failure. */
int render_files(const struct render_input *input, struct rendered *out, struct err *e) NODISCARD;
void rendered_fini(struct rendered *rendered);
