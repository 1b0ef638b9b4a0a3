-- In: citusdb
-- Lets changes go on without members that do not answer: $1 hosts, $2 their port. Their own
-- metadata stays: one may be back in this moment, and a node whose metadata was cleared looks
-- like an empty one.
select stop_metadata_sync_to_node(host, $2::int, clear_metadata => false)
from unnest($1::text[]) host;
