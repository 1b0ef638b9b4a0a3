-- In: postgres
-- Writes the intent to register: $1 names, $2 system identifiers, $3 who is an empty directory of
-- a member, $4 the starts of their servers, for which they are recognised. Of a member that is
-- remembered only the successor is written: who was lost stays known until the successor has taken
-- its place.
insert into citus_init.member (name, system_identifier, successor, recognised_start)
select name, identifier, case when is_empty then identifier end, start
from unnest($1::text[], $2::text[], $3::boolean[], $4::text[])
    as told (name, identifier, is_empty, start)
on conflict (name) do update
    set intended_at = now(),
        system_identifier = case when member.registered_at is null
            then excluded.system_identifier else member.system_identifier end,
        successor = excluded.successor,
        recognised_start = excluded.recognised_start;
