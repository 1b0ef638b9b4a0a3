/*
 * /status as the commands read it: asked for over HTTP, or a text that was got
 * otherwise. It comes from another machine, so nothing in it is believed: what
 * is missing or of another type reads as "", NULL or false.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "cli/ask.h"

/* NULL when the text is no JSON (ERR_NET), or not the status of a citus-init. The caller gives it
 * back with json_decref(). */
json_t *status_json_parse(const char *text, struct err *e);

/* Asks the agent there and reads its answer. Blocks for 5 s at most. */
json_t *status_json_ask(const struct ask_target *to, struct err *e);

/* The text that the agent there answers with; the caller frees it. NULL as above. */
char *status_json_ask_text(const struct ask_target *to, struct err *e);

/* A text that says something, or NULL. Borrowed. */
const char *status_json_words(const json_t *object, const char *key);
bool status_json_is_true(const json_t *object, const char *key);

/* The cluster, with a list of its members; NULL when the node that answered is no coordinator.
 * Borrowed. */
const json_t *status_json_cluster(const json_t *status, struct err *e);

/* The member of that name, or NULL. Borrowed. */
const json_t *status_json_member(const json_t *status, const char *name);
