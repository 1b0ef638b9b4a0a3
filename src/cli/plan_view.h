/*
 * The plan in /status as a person reads it, and as JSON: what the coordinator's loop
 * does next, for whom and why. EXIT_OK, or another code with the reason in e.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "base/exit_code.h"

enum exit_code plan_view_print(const json_t *status, FILE *out, struct err *e) NODISCARD;
enum exit_code plan_view_print_json(const json_t *status, FILE *out, struct err *e) NODISCARD;
