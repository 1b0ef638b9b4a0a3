-- In: citusdb
-- Whether this node is a part of a cluster already: its group, and Citus' other nodes and tables.
select (select groupid from pg_dist_local_group),
    (select count(*) from pg_dist_node where groupid <> 0) as nodes,
    (select count(*) from pg_dist_partition) as tables;
