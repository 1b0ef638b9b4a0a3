-- In: postgres
-- Makes a cluster, of which this node, $1 at host $2 and port $3, is the coordinator. The wish to abandon another one is
-- fulfilled with that.
with made as (
    insert into citus_init.cluster (id, host, port) values (gen_random_uuid(), $2, $3::int)
    returning id
), granted as (
    delete from citus_init.wish where what = 'abandon'
)
insert into citus_init.this_node (cluster_id, name)
select id, $1 from made
on conflict (only_row) do update
    set cluster_id = excluded.cluster_id, name = excluded.name, since = now();
