-- In: postgres
-- The successor takes the place of the lost directory of member $1, which must not come back; the
-- wish that accepted its loss has been fulfilled.
with old as (
    insert into citus_init.superseded (system_identifier, name)
    select system_identifier, name
    from citus_init.member
    where name = $1 and successor <> system_identifier
    on conflict do nothing
), granted as (
    delete from citus_init.wish where what = 'accept loss' and argument = $1
)
update citus_init.member
set system_identifier = coalesce(successor, system_identifier), successor = null,
    registered_at = now(), epoch = 0, epoch_id = null, next_id = null
where name = $1;
