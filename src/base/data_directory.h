/* Where the data directory is when PGDATA is not set: PID 1 locks it before settings are read. */
#pragma once

#define DEFAULT_DATA_DIRECTORY "/pgdata/data"
