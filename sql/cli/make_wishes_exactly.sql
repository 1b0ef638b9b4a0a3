-- In: postgres
-- Wishes $1 for each of $2 and for nobody else, and tells the agent.
with others as (
    delete from citus_init.wish
    where what = $1::text and argument <> all ($2::text[])
), made as (
    insert into citus_init.wish (what, argument)
    select $1::text, unnest($2::text[])
    on conflict do nothing
)
select pg_notify('citus_init', 'wish');
