/*
 * The operator's hand, as far as it is a question of what /status says: whether
 * what is asked for suits the cluster, what would be lost, and the token that
 * stands for exactly that. Nothing here asks or writes.
 *
 * Each returns an exit code: EXIT_OK, or another one with the reason in e. What
 * is to be known before something is destroyed is printed to out, with the
 * command that does it; EXIT_UNCONFIRMED when confirm is NULL or stands for
 * something else.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "base/exit_code.h"

/* form --without LIST, e.g. "2,3": the names of these workers as an array of SQL, {"citus-2"},
 * which the caller frees. */
enum exit_code hand_form_without(
	const json_t *status, const char *list, char **names, struct err *e) NODISCARD;

/* form --abandon ID: *id is as the workers write it, and the caller frees it. */
enum exit_code hand_form_abandon(const json_t *status, const char *asked, const char *confirm,
	FILE *out, char **id, struct err *e) NODISCARD;

/* accept-loss NODE; what is accepted already is accepted once more. */
enum exit_code hand_accept_loss(const json_t *status, const char *node, const char *confirm,
	FILE *out, struct err *e) NODISCARD;

/* plan: what the loop does next, for whom and why. */
enum exit_code hand_plan(const json_t *status, FILE *out, struct err *e) NODISCARD;
enum exit_code hand_plan_as_json(const json_t *status, FILE *out, struct err *e) NODISCARD;
