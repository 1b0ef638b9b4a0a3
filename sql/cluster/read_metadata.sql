-- In: citusdb
-- What a worker knows of its cluster; a new one has no nodes, tables or shards.
select
    (select groupid from pg_dist_local_group),
    (select count(*) from pg_dist_node) as nodes,
    (select count(*) from pg_dist_partition) as tables,
    (select count(*) from pg_dist_shard) as shards;
