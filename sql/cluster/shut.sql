-- In: postgres
-- Tells a worker to serve nobody: for the coordinator it is a member of state $1.
update citus_init.this_node
set admitted_start = null, shut = $1;
