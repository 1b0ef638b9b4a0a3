/*
 * The directory of rendered files: conf.1, conf.2, ... beside the data
 * directory, each complete and synced before the link "conf" is moved to it by
 * one rename. So the server finds all files of one rendering or all of
 * another, whenever citus-init is killed. Written by prepare before postgres
 * starts and by the agent while it lives, never by both at a time: PID 1 sees
 * the end of the one before it starts the other, and each holds the lock.
 */
#pragma once

#include "base/err.h"
#include "base/phase.h"
#include "node/render.h"

/* The path of the link "conf" for a data directory; the caller frees it. */
char *conf_directory_of(const char *data_directory);

/* Renders the files and installs them. Blocks on a few small writes and syncs. */
int conf_render(const struct render_input *input, struct err *e) NODISCARD;

/* Makes a new directory of the files and moves the link to it, unless the files in force are the
 * same bytes; removes what an interrupted call left behind, and all but the last few. */
int conf_install(const char *conf_directory, const struct rendered *files, enum phase phase,
	struct err *e) NODISCARD;

/* The phase in force: 0, or -1 when there are no files or they do not tell. */
int conf_read_phase(const char *conf_directory, enum phase *phase) NODISCARD;
