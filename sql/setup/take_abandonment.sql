-- In: postgres
-- The coordinator wants this node to abandon cluster $1.
update citus_init.this_node
set abandon = cluster_id
where cluster_id = $1::uuid;
