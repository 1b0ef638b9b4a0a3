-- In: postgres
-- Remembers how far members have come: $1 names, $2 timelines, $3 WAL positions.
update citus_init.member
set timeline = told.timeline, lsn = told.lsn
from unnest($1::text[], $2::int[], $3::pg_lsn[]) as told (name, timeline, lsn)
where member.name = told.name;
