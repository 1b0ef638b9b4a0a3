-- In: citusdb
-- Connections: all, those of Citus on other nodes, those of agents; the maintenance daemons of this
-- database; whether this Citus can tell of its own connections to others. Citus names its sessions
-- on other nodes "citus_internal gpid=1...", "citus_rebalancer gpid=1..." and so on.
select
    count(*) filter (where backend_type = 'client backend') as total,
    count(*) filter (where backend_type = 'client backend'
        and application_name like 'citus\_% gpid=%') as citus,
    count(*) filter (where backend_type = 'client backend'
        and application_name = 'citus-init') as agents,
    count(*) filter (where backend_type like 'Citus Maintenance Daemon%'
        and datid = (select oid from pg_database where datname = current_database())) as daemons,
    (to_regprocedure('citus_remote_connection_stats()') is not null)::int as has_pool
from pg_stat_activity;
