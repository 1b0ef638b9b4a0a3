-- In: citusdb, after setup/hand_over_verifiers.sql
-- Sets the passwords of the roles that were handed a verifier. In this database, so that Citus
-- sends on what the coordinator's members need: admin's; not from a copy of a coordinator, which
-- would send it to the members of the original. Each node sets the others for itself.
do $body$
declare
    r text;
    is_elsewhere boolean := exists (
        select from pg_dist_node
        where groupid = 0 and (select groupid from pg_dist_local_group) = 0
            and (nodename, nodeport) is distinct from
                (current_setting('citus.local_hostname'), current_setting('port')::int));
begin
    foreach r in array array['postgres', 'admin', 'replicator'] loop
        if current_setting('citus_init.' || r) = '' or (r = 'admin' and is_elsewhere) then
            continue;
        end if;
        perform set_config('citus.enable_ddl_propagation',
            case r when 'admin' then 'on' else 'off' end, true);
        execute format('alter role %I password %L', r, current_setting('citus_init.' || r));
    end loop;
end
$body$;
