/*
 * SCRAM-SHA-256 verifiers, as pg_authid.rolpassword holds them (RFC 5803),
 * computed here so that no password ever travels to a server or into its log.
 * The computing is PostgreSQL's own, from libpgcommon.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* A verifier with a new random salt; the caller frees it. */
int scram_make_verifier(const char *password, char **verifier, struct err *e) NODISCARD;

/* Whether this verifier was made from this password. Anything that is no SCRAM verifier, NULL
 * and MD5 hashes included, was not. Takes some milliseconds: 4096 rounds of HMAC. */
bool scram_verifier_matches(const char *verifier, const char *password);
