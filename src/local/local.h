/*
 * A whole cluster on one machine, as plain processes through the same run path:
 *
 *   citus-init local [--nodes N] [--dir DIR] [-- COMMAND...]
 *
 *   preflight: user, directory, settings, addresses
 *     -> start N x "citus-init run" -> all Ready -> COMMAND, or events until Ctrl-C
 *     -> stop all -> remove what was temporary -> COMMAND's status
 *
 * One thread, one loop over a signalfd and deadlines. stdout is COMMAND's;
 * what happens is told on stderr.
 */
#pragma once

int local_main(int argc, char **argv);
