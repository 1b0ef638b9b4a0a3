/*
 * PID 1: takes the lock, runs prepare, then starts and watches postgres and the
 * agent, reaps every orphan, and takes postgres down by a ladder with one
 * deadline. libc and base/ only; nothing is allocated after start-up, nothing
 * blocks, and nothing here exits but by returning from supervisor_main().
 *
 * It reads no settings but PGDATA. For tests and docs "run" takes
 *   --agent-silence-ms N   the watchdog's patience in place of CONTROL_SILENCE_MS
 *   --print-graph          print the table of states as a diagram, and end
 */
#pragma once

int supervisor_main(int argc, char **argv);
