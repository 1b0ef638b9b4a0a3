-- In: citusdb, after sqlfiles/create_record.sql
-- $1 the file's name, $2 its digest.
insert into citus_init.sql_file (name, sha256)
values ($1, $2);
