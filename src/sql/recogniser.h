/*
 * The role by which the nodes read who the others are, before any of them lets the
 * others in: it may read schema citus_init of database postgres, and nothing else.
 */
#pragma once

#define RECOGNISER "citus_init"

/* Its password, which every node makes of SUPERPASS and sets at each start; the caller frees it by
 * secret_free(). Whoever learns it can read what schema citus_init says, but not find SUPERPASS. */
char *recogniser_password(const char *superpass);
