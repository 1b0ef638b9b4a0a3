-- In: citusdb
-- Which of the hosts $2 may take shards of the member of group $1, and how many nodes there are.
-- The caller turns to the coordinator when there is none.
select coalesce(array_agg(nodename), '{}') as takers, count(*)
from pg_dist_node
where isactive and noderole = 'primary' and shouldhaveshards and groupid <> $1::int
    and (groupid = 0 or nodename = any ($2::text[]));
