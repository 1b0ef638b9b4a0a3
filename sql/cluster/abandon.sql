-- In: postgres
-- Workers $1 are to abandon cluster $2: they read it here.
insert into citus_init.abandoning (name, cluster_id)
select name, $2::uuid
from unnest($1::text[]) as told (name)
on conflict (name) do update set cluster_id = excluded.cluster_id;
