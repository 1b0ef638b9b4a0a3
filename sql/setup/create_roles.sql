-- In: postgres, after setup/hand_over_verifiers.sql
-- Creates the fixed roles that were handed a verifier.
do $body$
begin
    if current_setting('citus_init.admin') <> '' then
        execute format('create role admin login createdb password %L',
            current_setting('citus_init.admin'));
    end if;
    if current_setting('citus_init.replicator') <> '' then
        execute format('create role replicator login replication password %L',
            current_setting('citus_init.replicator'));
    end if;
end
$body$;
