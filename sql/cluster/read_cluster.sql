-- In: postgres
-- The cluster's id, and when it was formed for the first time.
select id, formed_at
from citus_init.cluster;
