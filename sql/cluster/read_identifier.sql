-- In: postgres
-- Which data directory this is, here and on a worker.
select system_identifier
from pg_control_system();
