-- In: postgres
-- Remembers that the members named in $1 are registered, under the hosts $2 and port $4; and, in a
-- cluster of before, that its coordinator is under host $3.
with own as (
    update citus_init.cluster
    set host = $3, port = $4::int
    where host is null
)
update citus_init.member
set registered_at = coalesce(registered_at, now()), host = told.host, port = $4::int
from unnest($1::text[], $2::text[]) as told (name, host)
where member.name = told.name;
