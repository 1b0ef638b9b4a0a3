-- In: postgres
-- Writes on a worker that it belongs to cluster $1 by the name $2; it is never written again.
insert into citus_init.this_node (cluster_id, name)
values ($1, $2)
on conflict (only_row) do nothing;
