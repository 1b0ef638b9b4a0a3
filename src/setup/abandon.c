#include "setup/abandon.h"

#include <string.h>

#include "base/log.h"
#include "init/control.h"
#include "node/abandoned.h"

#include "base/banned.h"

static void ask(const char *cluster_id, int control_fd)
{
	struct control_message m = { .type = CONTROL_WANT_ABANDON };

	memcpy(m.abandon.cluster_id, cluster_id, strlen(cluster_id) + 1);
	/* A message that is lost is sent again at the next look. */
	(void)!control_send(control_fd, &m);
}

void abandon_look(
	struct abandon *a, const struct node_view *view, const char *data_directory, int control_fd)
{
	struct err e = { .kind = ERR_NONE };

	/* The coordinator's directory holds the cluster's memory: it is never abandoned. */
	if (view->identity->role != ROLE_WORKER || !view->abandoned[0] ||
		strcmp(view->abandoned, view->cluster_id) != 0)
		return;
	if (abandoned_check(data_directory, view->abandoned, &e) == 0)
		ask(view->abandoned, control_fd);
	else if (strcmp(e.msg, a->refusal.msg) != 0)
		log_error("could not abandon cluster %s, as the coordinator asks: %s",
			view->abandoned, e.msg);
	a->refusal = e;
}
