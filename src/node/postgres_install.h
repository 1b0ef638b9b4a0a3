/*
 * The PostgreSQL of this image: where its programs are, which version they
 * are, whether Citus is installed for it. Found out before anything is touched.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum { POSTGRES_OLDEST = 15, POSTGRES_NEWEST = 18 };

struct postgres_install {
	char *bin_directory; /* a real path */
	char *postgres;	     /* the executables */
	char *initdb;
	char *version; /* "15.20" */
	int major;
	bool has_output_plugin_libraries; /* a setting that 15.19 and its siblings brought */
	char *citus_version; /* "13.2-1", the library's; "" when it could not be found out */
};

/*
 * bin_directory is the setting, or NULL to search. Blocks for some milliseconds: two short
 * programs are run. The caller frees with postgres_install_fini(), also after a failure.
 */
int postgres_install_find(
	const char *bin_directory, struct postgres_install *install, struct err *e) NODISCARD;
void postgres_install_fini(struct postgres_install *install);
