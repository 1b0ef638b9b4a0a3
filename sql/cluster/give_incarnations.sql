-- In: postgres
-- Gives each database named in $1 an incarnation, if it has none or is no longer the same database.
insert into citus_init.database (name, oid, incarnation)
select datname, oid, gen_random_uuid()
from pg_database
where datname = any ($1::text[])
on conflict (name) do update
    set oid = excluded.oid, incarnation = excluded.incarnation
    where database.oid <> excluded.oid;
