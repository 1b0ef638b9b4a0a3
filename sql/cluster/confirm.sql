-- In: postgres
-- Remembers that the members named in $1 are registered.
update citus_init.member
set registered_at = now()
where name = any ($1::text[]) and registered_at is null;
