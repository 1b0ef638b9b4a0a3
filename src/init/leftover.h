/*
 * What a dead postmaster leaves behind. Each backend leads a session of its
 * own, so there is no group to signal; what they share is their working
 * directory, the data directory, and that they descend from PID 1, which adopts
 * them. Somebody's shell in the data directory (kubectl exec) is not ours.
 */
#pragma once

/* Counts the left-over processes, sending each the signal unless it is 0; -1 without /proc. */
int leftover_signal(const char *data_directory, int sig);
