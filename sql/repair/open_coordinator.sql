-- In: citusdb
-- Lets the coordinator hold shards; it is the only one to take them.
select array[nodename] as takers,
    citus_set_node_property(nodename, nodeport, 'shouldhaveshards', true)
from pg_dist_node
where groupid = 0;
