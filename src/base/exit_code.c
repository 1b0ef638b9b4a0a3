#include "base/exit_code.h"

#include "base/banned.h"

enum exit_code exit_code_of(enum err_kind kind)
{
	static const enum exit_code codes[] = {
		[ERR_NONE] = EXIT_OK,
		[ERR_USAGE] = EXIT_USAGE,
		[ERR_CONFIG] = EXIT_SETTINGS,
		[ERR_REFUSED] = EXIT_REFUSED,
		[ERR_BUSY] = EXIT_BUSY,
		[ERR_SYS] = EXIT_SYSTEM,
		[ERR_SQL] = EXIT_UNAVAILABLE,
		[ERR_NET] = EXIT_UNAVAILABLE,
		[ERR_TIMEOUT] = EXIT_UNAVAILABLE,
		[ERR_BUG] = EXIT_BUG,
	};

	return codes[kind];
}
