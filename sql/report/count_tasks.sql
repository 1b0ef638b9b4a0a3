-- In: citusdb
-- Citus' background tasks by status. Those that are done are history, which is kept and grows: so
-- asked, the index on the status passes it by.
select s, coalesce(n, 0) as tasks
from unnest(enum_range(null::citus_task_status)) s
left join (
    select status, count(*) as n
    from pg_dist_background_task
    where status < 'done' or status > 'done'
    group by status
) t on t.status = s
where s not in ('done', 'cancelled');
