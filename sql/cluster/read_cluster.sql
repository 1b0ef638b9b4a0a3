-- In: postgres
-- The cluster's id, when it was formed for the first time, and whether nothing has been written on
-- this server since its members began their epochs.
select id, formed_at, coalesce(settled = pg_current_snapshot()::text, false) as is_settled
from citus_init.cluster;
