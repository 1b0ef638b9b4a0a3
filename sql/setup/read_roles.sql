-- In: postgres
select rolname, rolpassword
from pg_authid
where rolname in ('postgres', 'admin', 'replicator');
