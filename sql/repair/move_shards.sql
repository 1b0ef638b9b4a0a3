-- In: citusdb, after repair/placed.sql
-- Moves shards that are nowhere else from the member of group $1 to the hosts $2, in turns; only
-- some bundles at a time, for each of them is locked. The shards of a bundle move together.
with bundles as (
    select min(shardid) as shardid, row_number() over (order by min(shardid)) as n
    from pg_temp.placed
    where groupid = $1::int and not elsewhere
    group by bundle
    order by 1
    limit 32
), takers as (
    select nodename, nodeport, row_number() over (order by nodename) - 1 as n,
        count(*) over () as count
    from pg_dist_node
    where noderole = 'primary' and nodename = any ($2::text[])
)
select citus_move_shard_placement(
    b.shardid, m.nodename, m.nodeport, t.nodename, t.nodeport, 'block_writes')
from bundles b
join takers t on t.n = b.n % t.count
join pg_dist_node m on m.groupid = $1::int and m.noderole = 'primary';
