/*
 * Wishes: rows in the coordinator's memory that its agent acts on, however
 * often it is restarted meanwhile. Written over the local socket as postgres,
 * so whoever may enter the socket's directory may wish; each call is one
 * transaction, and the agent is told by NOTIFY. All of it blocks, for 15 s at
 * most.
 *
 *   pause                      nothing is changed but that members are let in
 *   form without    NODE       the first forming does not wait for it
 *   abandon         CLUSTER    its directories are abandoned; detail: the workers that were
 *                              confirmed, "NAME=IDENTIFIER,..."
 *   accept loss     NODE       detail: the token of the loss
 *   adopt           TOKEN      of the old and the new addresses; detail: "as new cluster", or ""
 */
#pragma once

#include "base/err.h"
#include "cli/place.h"

#define WISH_PAUSE	  "pause"
#define WISH_FORM_WITHOUT "form without"
#define WISH_ABANDON	  "abandon"
#define WISH_ACCEPT_LOSS  "accept loss"
#define WISH_ADOPT	  "adopt"

/* One wish; made once more it stays one, with the new detail. */
int wish_make(const struct place *p, const char *what, const char *argument, const char *detail,
	struct err *e) NODISCARD;

/* One for each argument, and no other of that kind; arguments are parted by commas, "a,b". */
int wish_make_exactly(
	const struct place *p, const char *what, const char *arguments, struct err *e) NODISCARD;

/* Takes it back: 1 when it was there, 0, or -1. */
int wish_end(
	const struct place *p, const char *what, const char *argument, struct err *e) NODISCARD;
