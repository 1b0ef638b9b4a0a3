/* Bytes as hexadecimal digits. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Two digits for each byte, and a zero byte: to has room for 2 * count + 1. */
static inline void hex_encode(const unsigned char *bytes, size_t count, char *to)
{
	for (size_t i = 0; i < count; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}
