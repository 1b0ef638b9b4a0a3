-- In: postgres
-- Which cluster this node belongs to and by which name, whether that was formed (on the
-- coordinator), whether this start of the server was admitted, the cluster to be abandoned, and why
-- it is to serve nobody.
select cluster_id, name,
    (select count(formed_at) from citus_init.cluster) as formed,
    admitted_start is not distinct from pg_postmaster_start_time() as admitted,
    abandon, shut
from citus_init.this_node;
