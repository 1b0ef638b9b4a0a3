-- In: citusdb
-- Whether an active node lacks a reference table.
select exists (
    select from pg_dist_partition
    join pg_dist_shard s using (logicalrelid)
    where partmethod = 'n' and repmodel = 't' and exists (
        select from pg_dist_node n
        where isactive and noderole = 'primary' and not exists (
            select from pg_dist_placement p
            where p.shardid = s.shardid and p.groupid = n.groupid
        )
    )
);
