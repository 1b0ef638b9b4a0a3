/*
 * One question over HTTP: connects, sends GET, reads the whole answer, closes.
 * HTTP/1.0, so the answer is never chunked and its end is the connection's end.
 * For the commands that ask an agent (status, probe, local); blocks, but never
 * beyond its deadline while it talks.
 *
 * host is a literal address or a name. A name costs the resolver's own time,
 * which the deadline does not bound.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * 0 when there was an answer, whatever its status: *status is its code, *body its text, which is
 * NUL-terminated and the caller's to free; body may be NULL. -1 with ERR_NET when there was no
 * answer or no whole one, ERR_TIMEOUT when the deadline passed.
 */
int http_get(const char *host, int port, const char *path, int timeout_ms, int *status, char **body,
	struct err *e) NODISCARD;

/* The pure part: takes an answer apart, body is a pointer into text. An answer that is shorter
 * than its Content-Length is refused: half a JSON text must never be taken for the whole. */
int http_parse_answer(
	const char *text, size_t length, int *status, const char **body, struct err *e) NODISCARD;
