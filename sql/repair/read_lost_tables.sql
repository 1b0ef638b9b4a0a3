-- In: citusdb, after repair/placed.sql
-- To which tables the lost shards $2 of the member of group $1 belong; those first that were
-- nowhere else.
select elsewhere, count(*) as shards, relation
from pg_temp.placed
where groupid = $1::int and shardid = any ($2::bigint[])
group by elsewhere, relation
order by elsewhere, relation::text;
