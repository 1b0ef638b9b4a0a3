/*
 * Whether a wish of the operator suits the cluster, by what /status says: what
 * would be lost, and the token that stands for exactly that. Nothing here asks
 * or writes.
 *
 * Each returns an exit code: EXIT_OK, or another one with the reason in e. What
 * the operator must know before something is destroyed is printed to out, with
 * the command that does it; EXIT_UNCONFIRMED when confirm is NULL or stands for
 * something else.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "base/exit_code.h"

/* form --without LIST, e.g. "2,3": the names of these workers, "citus-2,citus-3", which the caller
 * frees. Refused unless each of them is new, or silent and not known to be of another cluster. */
enum exit_code wish_check_without(
	const json_t *status, const char *list, char **names, struct err *e) NODISCARD;

/* form --abandon ID: *id is as the workers write it, and *workers are those that were printed, with
 * their system identifiers, "NAME=IDENTIFIER,NAME=IDENTIFIER"; nobody else is abandoned. The caller
 * frees both. */
enum exit_code wish_check_abandon(const json_t *status, const char *asked, const char *confirm,
	FILE *out, char **id, char **workers, struct err *e) NODISCARD;

/* accept-loss NODE; what is accepted already is accepted once more. */
enum exit_code wish_check_accept_loss(const json_t *status, const char *node, const char *confirm,
	FILE *out, struct err *e) NODISCARD;

/* adopt: registers the cluster under the addresses of this set; as_new: with an id of its own.
 * *token is what the agent knows the adoption by; the caller frees it. */
enum exit_code wish_check_adopt(const json_t *status, bool as_new, const char *confirm, FILE *out,
	char **token, struct err *e) NODISCARD;
