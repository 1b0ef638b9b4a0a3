/*
 * /metrics: the view in Prometheus' text format 0.0.4, from one table of
 * metrics, which docs/metrics.md is made from too. A scrape reads memory and
 * /proc only: it asks no database anything.
 */
#pragma once

#include <stdio.h>

#include "agent/view.h"

void metrics_print(const struct node_view *view, FILE *out);

/* The reference of all metrics (docs/metrics.md). */
void metrics_print_markdown(FILE *out);
