/*
 * Text from another machine on a person's terminal: control characters, which
 * could move the cursor or change what was printed before, become "?".
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

void clean_print(FILE *out, const char *text);

/* In place; also the control characters of ISO 6429 that UTF-8 writes as two bytes. */
void clean_text(char *text);

/* How many columns the text takes: its characters, not its bytes. */
size_t clean_width(const char *text);
