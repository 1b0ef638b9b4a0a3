-- In: citusdb
-- The version of Citus that is in this database, and the one that is installed beside PostgreSQL.
select installed_version, default_version
from pg_available_extensions
where name = 'citus';
