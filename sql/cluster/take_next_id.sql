-- In: postgres
-- Every member has the new id: the coordinator takes it too. What is left of the wish is to adopt
-- the addresses.
with renewed as (
    update citus_init.cluster
    set id = next_id, next_id = null
    where next_id is not null
    returning id
), granted as (
    update citus_init.wish set detail = '' where what = 'adopt'
)
update citus_init.this_node
set cluster_id = renewed.id
from renewed;
