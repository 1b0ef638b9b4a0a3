-- In: postgres
-- Tells a worker of cluster $1 to abandon it.
update citus_init.this_node
set abandon = cluster_id
where cluster_id = $1::uuid;
