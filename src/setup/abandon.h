/*
 * A worker that was told to abandon its cluster ("form --abandon"): asks PID 1 to
 * abandon the data directory and to begin anew. The request is a row of that
 * directory, so it is made again, whichever process is killed on the way.
 */
#pragma once

#include "base/err.h"
#include "view/view.h"

struct abandon {
	struct err refusal; /* why it did not ask; logged once */
};

/*
 * After a look at what the node remembers: asks when the cluster that is to be abandoned is the one
 * that the node belongs to, and nothing is in the way of the renaming; else postgres goes on
 * untouched, and the log says why. Does not block for long.
 */
void abandon_look(struct abandon *a, const struct node_view *view, const char *data_directory,
	int control_fd);
