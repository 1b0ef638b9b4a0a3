/* What waitpid() says of a child, in words for the log. */
#pragma once

#include <stddef.h>

/* "exited with code 1", "was ended by SIGKILL"; returns words. */
const char *wait_status_words(int status, char *words, size_t size);

/* The signal's name with its SIG, or "signal 34"; returns name. */
const char *signal_name(int sig, char *name, size_t size);
