/*
 * What postgres is given on its command line: the settings that only a start
 * can change and that the program relies on (node/server_settings.h).
 */
#pragma once

#include <stddef.h>

#include "node/postgres_install.h"
#include "node/render.h"

/*
 * Fills options with "name=value" texts, each ended by a zero byte, the last followed by another.
 * Where more of a setting than ours is welcome, postgres is asked what its files say, so the data
 * directory and the rendered files must be there. Blocks for some milliseconds.
 */
int server_options_make(const struct postgres_install *install, const char *data_directory,
	const struct render_input *node, char *options, size_t size, struct err *e) NODISCARD;
