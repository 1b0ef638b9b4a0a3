-- In: postgres
-- Lets a worker serve, for this one start of its server, and begins epoch $2 with the id $3 there.
-- $1 is the id of the epoch that it was seen in, '' for none: a statement that comes late, after
-- its connection broke, changes nothing. The node is told when it may serve that did not before: a
-- notification is a write, so another transaction than this one would end the epoch at once.
with before as (
    select admitted_start is not distinct from pg_postmaster_start_time() and shut is null
        as may_serve
    from citus_init.this_node
), begun as (
    update citus_init.this_node
    set admitted_start = pg_postmaster_start_time(), shut = null,
        epoch = $2::bigint, epoch_id = $3::uuid, settled = citus_init.snapshot_after_this()
    where coalesce(epoch_id::text, '') = $1
    returning true
)
select case when may_serve then '' else pg_notify('citus_init', 'coordinator')::text end
from before, begun;
