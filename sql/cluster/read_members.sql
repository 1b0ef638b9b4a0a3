-- In: postgres
-- What the coordinator remembers of the members.
select name, system_identifier, registered_at, successor, epoch, epoch_id, next_id, host, port
from citus_init.member;
