-- In: citusdb
-- Lets the coordinator of a cluster of one hold the shards itself: $1 its host, $2 its port.
select citus_set_node_property($1, $2::int, 'shouldhaveshards', true);
