-- In: citusdb
-- The node's group, by which a worker sees that it is a member, and the version of Citus.
select groupid, (select extversion from pg_extension where extname = 'citus') as citus
from pg_dist_local_group;
