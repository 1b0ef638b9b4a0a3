-- In: postgres
-- Which data directory this is, and which start of its server, here and on a worker.
select system_identifier, extract(epoch from pg_postmaster_start_time())::text as start
from pg_control_system();
