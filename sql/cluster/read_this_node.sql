-- In: postgres
-- Which cluster a worker belongs to, whether it was admitted since its server's start, how far it
-- knows the coordinator's directory to have come, and why it was told to serve nobody.
select cluster_id, name,
    admitted_start is not distinct from pg_postmaster_start_time() as admitted,
    coordinator_identifier, coordinator_timeline, coordinator_lsn - '0/0' as coordinator_lsn, shut
from citus_init.this_node;
