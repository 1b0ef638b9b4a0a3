-- In: postgres, after setup/hand_over_recogniser.sql
-- The role by which the nodes recognise each other: it may read schema citus_init, and nothing else.
do $body$
begin
    if not exists (select from pg_roles where rolname = 'citus_init') then
        create role citus_init;
    end if;
    if current_setting('citus_init.recogniser') <> '' then
        execute format('alter role citus_init login password %L',
            current_setting('citus_init.recogniser'));
    end if;
    grant usage on schema citus_init to citus_init;
    grant select on all tables in schema citus_init to citus_init;
end
$body$;
