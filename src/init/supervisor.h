/*
 * PID 1: takes the lock, runs prepare, then starts and watches postgres and the
 * agent, reaps every orphan, and takes postgres down by a ladder with one
 * deadline. libc and base/ only; nothing is allocated after start-up, nothing
 * blocks, and nothing here exits but by returning from supervisor_main().
 */
#pragma once

int supervisor_main(int argc, char **argv);
