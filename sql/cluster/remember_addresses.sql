-- In: postgres
-- Remembers the members named in $1 under the hosts $2, and the coordinator under host $3, all with
-- port $4; the wish to adopt these addresses is fulfilled with that.
with granted as (
    delete from citus_init.wish where what = 'adopt'
), own as (
    update citus_init.cluster
    set host = $3, port = $4::int
)
update citus_init.member
set host = told.host, port = $4::int
from unnest($1::text[], $2::text[]) as told (name, host)
where member.name = told.name;
