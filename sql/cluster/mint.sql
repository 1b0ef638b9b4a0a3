-- In: postgres
-- Makes a cluster, of which this node, $1, is the coordinator. The wish to abandon another one is
-- fulfilled with that.
with made as (
    insert into citus_init.cluster (id) values (gen_random_uuid())
    returning id
), granted as (
    delete from citus_init.wish where what = 'abandon'
)
insert into citus_init.this_node (cluster_id, name)
select id, $1 from made
on conflict (only_row) do update
    set cluster_id = excluded.cluster_id, name = excluded.name, since = now();
