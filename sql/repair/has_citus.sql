-- In: a database that is not managed
select exists (select from pg_extension where extname = 'citus');
