-- In: citusdb
-- What must be alike on all nodes for shards to move between them and for all to order text in one
-- way, here and on a worker. The versions are those of the libraries that order text now;
-- read_outdated_databases.sql compares them with what was recorded. ICU's is that of its root
-- collation; libc's is known where the catalog has a locale with a version. PostgreSQL 16 added
-- daticurules, and 17 renamed daticulocale to datlocale: a row as JSON has the columns that this
-- server has.
select
    current_setting('server_version_num') as server_version,
    (select extversion from pg_extension where extname = 'citus') as citus,
    pg_encoding_to_char(d.encoding) as encoding,
    case d.datlocprovider
        when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' else d.datlocprovider::text
    end as provider,
    d.datcollate || '/' || d.datctype as collation,
    coalesce(columns ->> 'datlocale', columns ->> 'daticulocale', '') as locale,
    case
        when octet_length(columns ->> 'daticurules') > 100
            then left(columns ->> 'daticurules', 15) || '... (sha256 '
                || encode(sha256(convert_to(columns ->> 'daticurules', 'UTF8')), 'hex') || ')'
        else coalesce(columns ->> 'daticurules', '')
    end as rules,
    coalesce(pg_database_collation_actual_version(d.oid), '') as collation_version,
    coalesce((
        select pg_collation_actual_version(oid)
        from pg_collation
        where collname = 'und-x-icu' and collnamespace = 'pg_catalog'::regnamespace
    ), '') as icu_version,
    coalesce((
        select pg_collation_actual_version(oid)
        from pg_collation
        where collprovider = 'c' and collversion is not null
        limit 1
    ), '') as libc_version
from pg_database d, to_jsonb(d) columns
where datname = current_database();
