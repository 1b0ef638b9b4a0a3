-- In: citusdb
-- How many nodes Citus has not told yet what has changed in its catalog.
select count(*)
from pg_dist_node
where isactive and hasmetadata and not metadatasynced;
