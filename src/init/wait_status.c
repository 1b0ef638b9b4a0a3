#include "init/wait_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/banned.h"

const char *signal_name(int sig, char *name, size_t size)
{
	const char *abbreviation = sigabbrev_np(sig);

	if (abbreviation)
		snprintf(name, size, "SIG%s", abbreviation);
	else
		snprintf(name, size, "signal %d", sig);
	return name;
}

const char *wait_status_words(int status, char *words, size_t size)
{
	char name[32];

	if (WIFEXITED(status))
		snprintf(words, size, "exited with code %d", WEXITSTATUS(status));
	else
		snprintf(words, size, "was ended by %s",
			signal_name(WTERMSIG(status), name, sizeof(name)));
	return words;
}
