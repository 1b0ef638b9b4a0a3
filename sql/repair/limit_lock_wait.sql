-- In: citusdb
-- A session that waits for a lock makes others wait: better to try again than to wait for long.
set lock_timeout = 30000;
