/*
 * /metrics: the view in Prometheus' text format 0.0.4, from tables of metrics,
 * which docs/metrics.md is made from too. Printing reads memory and /proc
 * only: it asks no database. What only a server knows, readings.c has asked
 * after an earlier scrape.
 */
#pragma once

#include <stdio.h>

#include "view/view.h"

void metrics_print(const struct node_view *view, FILE *out);

/* The reference of all metrics (docs/metrics.md). */
void metrics_print_markdown(FILE *out);
