-- In: citusdb
-- Moves Citus' nodes from the hosts $1 and ports $2 to the hosts $3 and the port $4, all in one
-- transaction. Citus tells the other nodes later, when they let it in under the new addresses. What
-- was moved before a kill has its new address already.
select citus_update_node(nodeid, told.new_host, $4::int)
from unnest($1::text[], $2::int[], $3::text[]) as told (host, port, new_host)
join pg_dist_node n on nodename = told.host and nodeport = told.port
where noderole = 'primary' and (nodename, nodeport) <> (told.new_host, $4::int);
