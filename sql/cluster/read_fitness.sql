-- In: citusdb
-- What must be alike on all nodes for shards to move between them, here and on a worker.
select
    current_setting('server_version_num') as server_version,
    (select extversion from pg_extension where extname = 'citus') as citus,
    pg_encoding_to_char(encoding) as encoding,
    datcollate || '/' || datctype as collation,
    coalesce(datcollversion, '') as collation_version
from pg_database
where datname = current_database();
