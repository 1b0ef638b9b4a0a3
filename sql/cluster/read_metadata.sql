-- In: citusdb
-- What a worker knows of its cluster: of one that is new all but the first are 0 rows.
select
    (select groupid from pg_dist_local_group),
    (select count(*) from pg_dist_node) as nodes,
    (select count(*) from pg_dist_partition) as tables,
    (select count(*) from pg_dist_shard) as shards;
