-- In: citusdb
-- Of the settings of this server that are named: what runs and by what, what counts of all that
-- the files say, and what the postgresql.conf of citus-init says.
with written as materialized (
    select lower(name) as name, setting, sourcefile, sourceline, seqno
    from pg_file_settings
)
select s.name, s.setting, s.source, s.sourcefile, s.sourceline,
    w.setting as written, w.sourcefile as written_file, w.sourceline as written_line,
    (select setting
        from written o
        where o.name = s.name and o.sourcefile = current_setting('config_file')
        order by seqno desc
        limit 1) as ours
from pg_settings s
left join lateral (
    select * from written w where w.name = s.name order by seqno desc limit 1) w on true
where s.name = any ($1::text[])
order by s.name;
