/*
 * The role that makes the directory and the files: settings -> node -> files ->
 * initdb -> launch. Runs to completion and ends; killed at any instant and
 * started again it ends the same.
 *
 *   citus-init prepare                 at start: everything, and struct launch to PID 1
 *   citus-init prepare --abandon ID    the same, after the data directory was renamed as that
 *                                      of an abandoned cluster (node/abandoned.h)
 */
#pragma once

int prepare_main(int argc, char **argv);
