-- In: citusdb
-- The first table behind the one with the oid $1 whose shards have fewer copies than they should;
-- copies on nodes that are not active do not count. No more copies are wanted than there are
-- nodes that may hold shards.
with factored as (
    select logicalrelid, least(replicationfactor, (
        select count(*)
        from pg_dist_node
        where isactive and noderole = 'primary' and shouldhaveshards
    )) as factor
    from pg_dist_partition
    join pg_dist_colocation using (colocationid)
    where replicationfactor > 1 and partmethod <> 'n' and logicalrelid::oid > $1::oid
)
select logicalrelid::oid as oid, factor, logicalrelid
from factored f
where exists (
    select from pg_dist_shard s
    where s.logicalrelid = f.logicalrelid and factor > (
        select count(*)
        from pg_dist_placement p
        join pg_dist_node n using (groupid)
        where p.shardid = s.shardid and isactive and noderole = 'primary'
    )
)
order by logicalrelid::oid
limit 1;
