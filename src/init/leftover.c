#include "init/leftover.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"

#include "base/banned.h"

enum { DEEPEST = 64 };

struct hunt {
	int sig;
	int count;
};

/* The parent of a process, or -1 when it is gone. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char text[512];
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* The second field, the name in brackets, may itself hold brackets and blanks. */
	const char *after_name = strrchr(text, ')');
	if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1)
		return -1;
	return (pid_t)parent;
}

/* A chain that breaks while it is read belongs to processes that are ending and being adopted just
 * now: they count, and the next look decides. */
static bool descends_from_us(pid_t pid)
{
	const pid_t us = getpid();

	for (int depth = 0; depth < DEEPEST && pid != us; depth++) {
		pid = parent_of(pid);
		if (pid == 0 || (pid == 1 && us != 1))
			return false;
		if (pid < 0)
			return true;
	}
	return true;
}

static void meet(pid_t pid, void *ctx)
{
	struct hunt *hunt = ctx;

	if (pid == getpid() || !descends_from_us(pid))
		return;
	hunt->count++;
	if (hunt->sig)
		kill(pid, hunt->sig);
}

int leftover_signal(const char *data_directory, int sig)
{
	struct hunt hunt = { .sig = sig };

	return proc_with_cwd(data_directory, meet, &hunt) < 0 ? -1 : hunt.count;
}
