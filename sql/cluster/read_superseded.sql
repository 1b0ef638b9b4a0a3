-- In: postgres
-- The directories that were lost and replaced.
select system_identifier
from citus_init.superseded;
