-- In: citusdb
-- $1 hosts, $2 their port.
select count(citus_activate_node(host, $2::int))
from unnest($1::text[]) host;
