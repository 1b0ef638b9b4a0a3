-- In: citusdb
-- Which of the users' SQL files have been run. Not sent on to the workers: only the
-- coordinator runs the files.
do $body$
begin
    perform set_config('citus.enable_ddl_propagation', 'off', true);
    create schema if not exists citus_init;
    create table if not exists citus_init.sql_file (
        name text primary key,
        sha256 text not null,
        applied_at timestamptz not null default now()
    );
end
$body$;
