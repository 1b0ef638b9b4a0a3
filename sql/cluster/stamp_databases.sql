-- In: postgres
-- Writes on a worker which incarnations its databases are: $1 names, $2 the coordinator's
-- incarnations of them.
insert into citus_init.database (name, oid, incarnation)
select datname, p.oid, incarnation
from pg_database p
join unnest($1::text[], $2::uuid[]) as told (name, incarnation) on datname = told.name
on conflict (name) do update
    set oid = excluded.oid, incarnation = excluded.incarnation
    where database.oid <> excluded.oid;
