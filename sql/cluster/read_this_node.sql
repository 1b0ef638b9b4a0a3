-- In: postgres
-- Which cluster a worker belongs to, whether it was admitted since its server's start, its epoch,
-- whether nothing has been written on its server since that began, and why it was told to serve
-- nobody.
select cluster_id, name,
    admitted_start is not distinct from pg_postmaster_start_time() as admitted,
    epoch, epoch_id, coalesce(settled = pg_current_snapshot()::text, false) as is_settled, shut
from citus_init.this_node;
