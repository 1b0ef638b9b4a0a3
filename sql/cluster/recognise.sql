-- In: postgres
-- Members $1 are who they were: they may let the cluster in, for the starts $2 of their servers.
update citus_init.member
set recognised_start = told.start
from unnest($1::text[], $2::text[]) as told (name, start)
where member.name = told.name;
