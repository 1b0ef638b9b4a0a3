-- In: postgres
-- Forgets the members named in $1 that somebody removed from Citus, since nodes with the system
-- identifiers $2 are to be registered by these names. The directories that were members must not
-- come back; the wish that accepted a loss with them has been fulfilled.
with granted as (
    delete from citus_init.wish where what = 'accept loss' and argument = any ($1::text[])
), forgotten as (
    delete from citus_init.member
    where name = any ($1::text[]) and registered_at is not null
    returning system_identifier, name
)
insert into citus_init.superseded (system_identifier, name)
select system_identifier, name
from forgotten
where system_identifier <> all ($2::text[])
on conflict do nothing;
