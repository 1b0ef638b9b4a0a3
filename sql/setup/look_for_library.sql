-- In: postgres
-- Whether Citus' library is loaded: settings that begin so exist by it alone (what files and roles
-- say of them without it is kept aside, and not shown here); and what the server was told to load,
-- and by what.
select
    exists (select from pg_settings where name like 'citus.%') as loaded,
    setting, source, sourcefile, sourceline
from pg_settings
where name = 'shared_preload_libraries';
