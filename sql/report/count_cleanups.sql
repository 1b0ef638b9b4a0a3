-- In: citusdb
-- What Citus has yet to clean up.
select count(*)
from pg_dist_cleanup;
