-- In: citusdb
-- Gives the member with the host $1 and the port $2 its metadata.
select citus_activate_node($1, $2::int);
