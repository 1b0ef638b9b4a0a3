-- In: postgres
-- The server's version, as in 15.4.
select current_setting('server_version_num')::int / 10000 || '.' ||
    current_setting('server_version_num')::int % 10000;
