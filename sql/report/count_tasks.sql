-- In: citusdb
-- Citus' background tasks by status. Those that are done stay as history, which grows:
-- asked this way, the index on the status skips it.
select s, coalesce(n, 0) as tasks
from unnest(enum_range(null::citus_task_status)) s
left join (
    select status, count(*) as n
    from pg_dist_background_task
    where status < 'done' or status > 'done'
    group by status
) t on t.status = s
where s not in ('done', 'cancelled');
