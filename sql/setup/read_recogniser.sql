-- In: postgres
select rolpassword
from pg_authid
where rolname = 'citus_init';
