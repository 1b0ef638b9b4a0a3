-- In: citusdb
-- Gives the nodes of the groups $1 the hosts $2 and the port $3, all in one transaction: Citus tells
-- the nodes after its end, and so under the new addresses only.
select citus_update_node(nodeid, told.host, $3::int)
from unnest($1::int[], $2::text[]) as told (groupid, host)
join pg_dist_node n using (groupid)
where noderole = 'primary';
