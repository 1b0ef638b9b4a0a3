-- In: postgres
select count(*)
from pg_database
where datname = $1;
