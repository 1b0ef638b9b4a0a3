-- In: postgres
-- And in any other database that is not managed: whether Citus is in it.
select exists (select from pg_extension where extname = 'citus');
