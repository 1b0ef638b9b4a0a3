/* postmaster.pid is written by another process at any moment: arbitrary, torn bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "init/pidfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is, and not terminated: reading on is noticed. */
	_free_ char *text = malloc(size);

	if (size)
		memcpy(text, data, size);
	struct pidfile pidfile = pidfile_parse(text, size);
	if (pidfile.pid < 0 || pidfile.state > PIDFILE_STOPPING)
		abort();
	if (pidfile_names_directory(text, size, "/pgdata/data") && size < sizeof("\n/pgdata/data"))
		abort();
	return 0;
}
