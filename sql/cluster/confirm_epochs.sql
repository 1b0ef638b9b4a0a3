-- In: postgres
-- Members have begun the epochs that were noted: $1 names, $2 the ids.
with begun as (
    update citus_init.member
    set epoch = epoch + 1, epoch_id = next_id, next_id = null
    from unnest($1::text[], $2::uuid[]) as told (name, id)
    where member.name = told.name and next_id = told.id
)
update citus_init.cluster
set settled = citus_init.snapshot_after_this();
