-- In: postgres
-- The managed databases that are still those which were given an incarnation, here and on a
-- worker: one that was dropped and made again has another oid.
select d.name, d.incarnation
from citus_init.database d
join pg_database p on p.oid = d.oid and p.datname = d.name;
