-- In: postgres
-- The id that this copy of a cluster takes, once every member has it.
update citus_init.cluster
set next_id = coalesce(next_id, gen_random_uuid())
returning next_id;
