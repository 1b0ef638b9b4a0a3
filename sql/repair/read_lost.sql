-- In: citusdb
-- On the member: which of the shards with the ids $1 and the names $2 it lacks.
select coalesce(array_agg(id), '{}')
from unnest($1::bigint[], $2::text[]) as told (id, name)
where to_regclass(name) is null;
