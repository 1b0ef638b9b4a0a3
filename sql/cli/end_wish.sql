-- In: postgres
-- Ends the wish $1 for $2, and tells the agent if there was one.
with ended as (
    delete from citus_init.wish
    where what = $1 and argument = $2
    returning what
)
select pg_notify('citus_init', 'wish')
from ended;
