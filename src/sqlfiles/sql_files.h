/*
 * The users' SQL files, run once in citusdb when the cluster has been formed,
 * in the order of their names: what the usual images do with initdb.d. Each is
 * one transaction together with its record in citus_init.sql_file of the same
 * database, so that a kill at any instant has run it wholly or not at all, and
 * a database that was dropped and made again gets its files again.
 */
#pragma once

#include <event2/event.h>

#include "node/settings.h"
#include "view/view.h"

struct sql_files;

/* Fills view->sql_files and keeps it. Nothing is read before the start. */
struct sql_files *sql_files_open(struct event_base *loop, const struct settings *settings,
	struct node_view *view, const char *socket_directory);
void sql_files_close(struct sql_files *files);

/* Begins, or goes on: the server is there and the cluster formed. Reading the files blocks for as
 * long as the file system does. */
void sql_files_start(struct sql_files *files);

/* The server went away: what was under way is dropped, and the server undoes it. */
void sql_files_stop(struct sql_files *files);
