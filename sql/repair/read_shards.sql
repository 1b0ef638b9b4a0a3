-- In: citusdb, after repair/placed.sql
-- Which shards belong on the member of group $1, how many of them are nowhere else, and a digest
-- of those, in which $2 tells this loss from others.
select
    coalesce(array_agg(shardid order by shardid), '{}') as ids,
    coalesce(array_agg(name order by shardid), '{}') as names,
    count(*) filter (where not elsewhere) as only_there,
    encode(sha256(convert_to($2 || coalesce(
        string_agg(shardid::text, ',' order by shardid) filter (where not elsewhere), ''),
        'UTF8')), 'hex') as digest
from pg_temp.placed
where groupid = $1::int;
