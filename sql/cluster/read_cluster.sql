-- In: postgres
-- The cluster's id, when it was formed for the first time, whether nothing has been written on this
-- server since its members began their epochs, the address of its coordinator, and the id that it
-- is about to take.
select id, formed_at, coalesce(settled = pg_current_snapshot()::text, false) as is_settled, host,
    port, next_id
from citus_init.cluster;
