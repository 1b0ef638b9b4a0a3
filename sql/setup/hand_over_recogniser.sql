-- In: postgres
-- As setup/hand_over_verifiers.sql does for the other roles.
select set_config('citus_init.recogniser', $1, false);
