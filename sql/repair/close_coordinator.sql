-- In: citusdb
-- Lets the coordinator hold no more shards.
select citus_set_node_property(nodename, nodeport, 'shouldhaveshards', false)
from pg_dist_node
where groupid = 0;
