-- In: postgres
-- Makes the wish $1 for $2, with the detail $3, and tells the agent.
with made as (
    insert into citus_init.wish (what, argument, detail)
    values ($1, $2, $3)
    on conflict (what, argument) do update
        set detail = excluded.detail, made_at = now()
)
select pg_notify('citus_init', 'wish');
