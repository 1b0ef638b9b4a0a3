-- In: postgres
-- What the coordinator remembers of the members.
select name, system_identifier, registered_at, successor, epoch, epoch_id, next_id, host, port,
    recognised_start
from citus_init.member;
