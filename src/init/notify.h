/*
 * Readiness as postgres pushes it: datagrams of sd_notify(3) on a socket that
 * PID 1 binds. Every child of the postmaster inherits the socket's name, and so
 * does what those run (archive_command), so only the postmaster's own word
 * counts; the kernel says who sent it.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum notify_word {
	NOTIFY_NOTHING, /* somebody else's, or a word that means nothing here */
	NOTIFY_READY,
	NOTIFY_STOPPING,
	NOTIFY_EMPTY, /* no datagram is there */
};

/* Binds path anew, mode 0600; returns the descriptor or -1. */
int notify_open(const char *path, struct err *e);

/* Reads one datagram; does not block. */
enum notify_word notify_receive(int fd, pid_t postmaster);

/* What the text of one datagram says: lines of KEY=VALUE. Pure. */
enum notify_word notify_parse(const char *text, size_t length);
