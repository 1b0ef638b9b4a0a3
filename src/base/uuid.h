/* UUIDs as PostgreSQL writes them: a cluster's id. */
#pragma once

#include <stdbool.h>

enum { UUID_TEXT = 36 }; /* characters, without the end */

/* Whether the text is a UUID in lower case, "4c1c0b8e-9a2d-4f6e-8b7a-0123456789ab", and no more: so
 * it can also be part of a file's name. */
bool uuid_is_valid(const char *text);
