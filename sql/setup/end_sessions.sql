-- In: postgres
-- Ends the sessions that a node which closes would not admit any more.
select count(pg_terminate_backend(pid))
from pg_stat_activity
where backend_type in ('client backend', 'walsender') and usename <> 'postgres';
