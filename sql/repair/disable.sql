-- In: citusdb
-- Synchronously: otherwise the other workers hear of it later, and the activation that follows in
-- the same transaction finds them out of sync. The first worker cannot be disabled in another way
-- anyway. $1 host, $2 port.
select citus_disable_node($1, $2::int, true);
