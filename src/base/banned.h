/*
 * Functions that nobody here may call: each has a twin that cannot overrun,
 * truncate silently, start a shell or swallow an error. Last include of every .c.
 */
#pragma once

#pragma GCC poison strcpy strcat sprintf vsprintf gets strncpy strncat atoi atol system popen tmpnam
