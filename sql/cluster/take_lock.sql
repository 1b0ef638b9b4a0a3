-- In: postgres
-- Takes the lock that lets only one agent act, unless this session has it already. Its number is
-- this program's: "citus-init" on a telephone's keys.
select count(*) > 0 or pg_try_advisory_lock(2488746484)
from pg_locks
where locktype = 'advisory' and pid = pg_backend_pid() and granted;
