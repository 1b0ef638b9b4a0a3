-- In: citusdb
-- Prepared transactions, and the age of the oldest in seconds: Citus', and others'.
select
    count(*) filter (where is_citus) as citus,
    extract(epoch from max(now() - prepared) filter (where is_citus))::bigint as citus_oldest,
    count(*) filter (where not is_citus) as others,
    extract(epoch from max(now() - prepared) filter (where not is_citus))::bigint as others_oldest
from (
    select prepared, gid like 'citus\_%' as is_citus
    from pg_prepared_xacts
) x;
