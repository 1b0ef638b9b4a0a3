-- In: postgres
-- Whether the last stop quieted Citus' daemon (agent.c).
select count(*)
from pg_file_settings
where name = any (array[
        'citus.recover_2pc_interval',
        'citus.defer_shard_delete_interval',
        'citus.distributed_deadlock_detection_factor'])
    and sourcefile like '%/postgresql.auto.conf';
