#include "node/abandoned.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/uuid.h"

#include "base/banned.h"

char *abandoned_path(const char *data_directory, const char *cluster_id)
{
	return xasprintf("%s.abandoned.%s", data_directory, cluster_id);
}

/* Whether another place than the path's own holds what is found there. */
static bool lies_elsewhere(const char *path)
{
	struct stat st;

	return file_is_mount_point(path) || (lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
}

int abandoned_check(const char *data, const char *cluster_id, struct err *e)
{
	_free_ char *target = abandoned_path(data, cluster_id);
	_free_ char *wal = xasprintf("%s/pg_wal", data);
	struct stat st;

	if (!uuid_is_valid(cluster_id))
		return err_set(e, ERR_REFUSED, "\"%s\" is not a cluster's id", cluster_id);
	/* The new directory would lie in another place, or on another volume, than the old one. */
	if (lies_elsewhere(data))
		return err_set(e, ERR_REFUSED,
			"the data directory \"%s\" is a link or a mounted volume, which cannot "
			"be renamed: stop the node and move its contents away by hand",
			data);
	/* initdb refuses a WAL directory that is in use, and a mount would come back to the new
	 * directory with the old one's WAL in it. */
	if (lies_elsewhere(wal))
		return err_set(e, ERR_REFUSED,
			"\"%s\" is a link or a mounted volume, which would not go along when \"%s\" is "
			"renamed: stop the node and move both away by hand",
			wal, data);
	if (lstat(target, &st) == 0)
		return err_set(e, ERR_REFUSED,
			"\"%s\" already exists, so \"%s\" cannot be renamed to it: move it away",
			target, data);
	return 0;
}
