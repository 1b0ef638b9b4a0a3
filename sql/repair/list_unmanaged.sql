-- In: postgres
-- The databases that users can have filled, but for those named in $1, and which of them admit a
-- session. One whose dropping was interrupted (datconnlimit -2) can never be read again.
select datname, datallowconn
from pg_database
where not datistemplate and datconnlimit <> -2 and datname <> all ($1::text[])
order by datname;
