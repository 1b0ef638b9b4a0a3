-- In: citusdb
-- Or rather in databases like that one, which are not managed. What this database's catalog places on the member, by table, and the digest $2 continued with all
-- of these shards. Somebody has registered the nodes by hand, and perhaps by other names: what is on
-- none of the other nodes' hosts $1 may be on the member. A copy that another worker should have
-- does not count, for nobody has filled that database again when that worker was wiped; one of the
-- coordinator's own does.
with there as (
    select s.shardid, s.logicalrelid::text as relation, n.nodename, n.nodeport
    from pg_dist_node n
    join pg_dist_placement p using (groupid)
    join pg_dist_shard s using (shardid)
    where noderole = 'primary' and nodename <> all ($1::text[])
        and groupid <> (select groupid from pg_dist_local_group)
        and not exists (
            select from pg_dist_placement own
            join pg_dist_local_group using (groupid)
            where own.shardid = p.shardid
        )
)
select
    format('%s of database %I (on %s)', relation, current_database(),
        string_agg(distinct nodename, ', ')) as table_there,
    count(distinct shardid) as shards,
    encode(sha256(convert_to(format('%s %s %s', $2::text, current_database(), (
        select string_agg(format('%s %s:%s', shardid, nodename, nodeport), ','
            order by shardid, nodename, nodeport)
        from there)), 'UTF8')), 'hex') as digest
from there
group by relation
order by relation;
