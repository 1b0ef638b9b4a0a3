-- In: postgres
-- A role's verifier cannot be a parameter of a utility statement; it passes through a variable of
-- the session, so that the text of no statement holds it. Empty for a role that needs no new one.
select
    set_config('citus_init.postgres', $1, false),
    set_config('citus_init.admin', $2, false),
    set_config('citus_init.replicator', $3, false);
