-- In: postgres
-- On the coordinator, as citus_init: what a worker with the name $1 reads in its memory. The
-- cluster's id, which directory is recognised under that name and for which start of its server,
-- the cluster that the worker is to abandon, and the id that the cluster is about to take.
select cluster.id, system_identifier, successor, recognised_start, abandoning.cluster_id,
    cluster.next_id
from (select $1 as name) as asking
left join citus_init.cluster on true
left join citus_init.member using (name)
left join citus_init.abandoning using (name);
