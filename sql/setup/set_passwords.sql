-- In: citusdb, after setup/hand_over_verifiers.sql
-- Sets the passwords of the roles that were handed a verifier. In this database, so that Citus
-- sends on what the coordinator's members need: admin's. Each node sets the others for itself.
do $body$
declare
    r text;
begin
    foreach r in array array['postgres', 'admin', 'replicator'] loop
        if current_setting('citus_init.' || r) = '' then
            continue;
        end if;
        perform set_config('citus.enable_ddl_propagation',
            case r when 'admin' then 'on' else 'off' end, true);
        execute format('alter role %I password %L', r, current_setting('citus_init.' || r));
    end loop;
end
$body$;
