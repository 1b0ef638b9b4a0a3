-- In: postgres
-- The wish to adopt the addresses of this set cannot be fulfilled: the operator makes another one.
delete from citus_init.wish
where what = 'adopt';
