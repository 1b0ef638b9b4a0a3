-- In: postgres
-- Lets a worker serve, for this one start of its server, and tells it how far the coordinator has
-- come: $1 system identifier, $2 timeline, $3 WAL position as a number.
update citus_init.this_node
set admitted_start = pg_postmaster_start_time(),
    shut = null,
    coordinator_identifier = $1,
    coordinator_timeline = $2::int,
    coordinator_lsn = '0/0'::pg_lsn + $3;
