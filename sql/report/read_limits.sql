-- In: citusdb
-- For a limit of Citus, -1 means no limit and 0 means max_connections (GetMaxSharedPoolSize() in
-- Citus).
select name,
    case when value = 0 and name = 'citus.max_shared_pool_size'
        then current_setting('max_connections')::int
        else value
    end
from (
    select name, current_setting(name, true)::int as value
    from unnest(array[
        'max_connections', 'superuser_reserved_connections', 'reserved_connections',
        'max_prepared_transactions', 'citus.max_client_connections',
        'citus.max_shared_pool_size']) as name
) s
where value >= 0;
