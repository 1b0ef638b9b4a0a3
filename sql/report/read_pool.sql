-- In: citusdb
-- Citus' connections to other nodes, and to the one that has most of them.
select coalesce(sum(n), 0) as total, coalesce(max(n), 0) as busiest
from (
    select sum(connection_count_to_node) as n
    from citus_remote_connection_stats()
    group by hostname, port
) s;
