-- In: postgres
-- The server's version, as in 15.4; its major; and whether it knows output_plugin_libraries, which
-- 15.19 and its siblings brought.
select current_setting('server_version_num')::int / 10000 || '.' ||
        current_setting('server_version_num')::int % 10000,
    current_setting('server_version_num')::int / 10000,
    current_setting('output_plugin_libraries', true) is not null;
