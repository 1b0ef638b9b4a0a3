-- In: postgres
-- Remembers that the cluster has been formed. From now on nobody is left out, and any worker may
-- join.
with granted as (
    delete from citus_init.wish where what = 'form without'
)
update citus_init.cluster
set formed_at = now()
where formed_at is null;
