-- In: postgres
-- Writes the intent to register: $1 names, $2 system identifiers, $3 which of them are
-- empty directories of members. For a remembered member only the successor is written: the lost
-- directory stays known until the successor has taken its place.
insert into citus_init.member (name, system_identifier, successor)
select name, identifier, case when is_empty then identifier end
from unnest($1::text[], $2::text[], $3::boolean[]) as told (name, identifier, is_empty)
on conflict (name) do update
    set intended_at = now(),
        system_identifier = case when member.registered_at is null
            then excluded.system_identifier else member.system_identifier end,
        successor = excluded.successor;
