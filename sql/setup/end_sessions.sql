-- In: postgres
-- Ends the sessions that a node which closes would not admit any more; the coordinator's, which
-- looks at it as citus_init, stay.
select count(pg_terminate_backend(pid))
from pg_stat_activity
where backend_type in ('client backend', 'walsender') and usename not in ('postgres', 'citus_init');
