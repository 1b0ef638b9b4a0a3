-- In: postgres
-- The copy of cluster $1 that this node is a part of becomes cluster $2.
update citus_init.this_node
set cluster_id = $2::uuid
where cluster_id = $1::uuid;
