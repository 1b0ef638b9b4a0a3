-- In: citusdb, after sqlfiles/create_record.sql
select name, sha256
from citus_init.sql_file;
