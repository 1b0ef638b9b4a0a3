-- In: postgres
-- Databases of this server whose recorded collation version is not that of the library, here and on
-- a worker: their indexes may be in an order that the library does not know. When template1 is one of
-- them, CREATE DATABASE fails.
select format('database %I (%s, now %s)', datname, datcollversion, coalesce(actual, 'none'))
from pg_database, pg_database_collation_actual_version(oid) actual
where datcollversion is not null and datcollversion is distinct from actual
order by datname;
