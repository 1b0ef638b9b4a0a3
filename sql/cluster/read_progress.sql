-- In: postgres
-- Who a server is and how far its WAL has come, here and on a worker. The timeline is that of the
-- WAL which is written now, the first eight digits of its file's name: pg_control's is the last
-- checkpoint's.
select
    (select system_identifier from pg_control_system()),
    ('x' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8))::bit(32)::int as timeline,
    pg_current_wal_flush_lsn() - '0/0' as lsn;
