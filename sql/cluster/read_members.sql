-- In: postgres
-- What the coordinator remembers of the members.
select name, system_identifier, timeline, lsn - '0/0' as lsn, registered_at, successor
from citus_init.member;
