-- In: postgres
-- Makes the wish $1 for each name in the list $2, "a,b", and for nobody else; tells the agent.
with asked as (
    select unnest(string_to_array($2::text, ',')) as argument
), others as (
    delete from citus_init.wish
    where what = $1::text and argument not in (select asked.argument from asked)
), made as (
    insert into citus_init.wish (what, argument)
    select $1::text, asked.argument
    from asked
    on conflict do nothing
)
select pg_notify('citus_init', 'wish');
