#!/bin/sh
# A tour through a cluster that "citus-init local" has started: a distributed table, rows, a
# question, where the rows live. Then it waits for Ctrl-C, which is how it ends well.
set -eu

rows=${ROWS:-100000}

step() {
	printf '\n--- %s ---\n' "$1"
}

# -e shows each statement before its answer.
sql() {
	PGOPTIONS='-c client_min_messages=warning' psql -X -q -e -v ON_ERROR_STOP=1 -v rows="$rows"
}

step "a distributed table, and $rows rows"
sql <<'SQL'
DROP TABLE IF EXISTS visits;
CREATE TABLE visits (customer bigint, page text, seconds int);
SELECT create_distributed_table('visits', 'customer');
\timing on
INSERT INTO visits
SELECT n % 5000, (ARRAY['start', 'search', 'basket', 'help'])[n % 4 + 1], n % (40 + n % 4 * 25)
FROM generate_series(1, :rows) AS n;
SQL

step "a question that the workers answer together"
sql <<'SQL'
\timing on
SELECT page, count(*), round(avg(seconds), 2) AS seconds FROM visits GROUP BY page ORDER BY page;
SQL

step "where the rows live"
sql <<'SQL'
SELECT nodename, count(*) AS shards, pg_size_pretty(sum(shard_size)) AS size
FROM citus_shards WHERE table_name = 'visits'::regclass GROUP BY nodename ORDER BY nodename;
SQL

step "the cluster"
# The coordinator looks at its shards now and then; this asks it to look now.
psql -X -q -d postgres -c 'NOTIFY citus_init'
for _ in $(seq 50); do
	! "$CITUS_INIT" status --json --address "$CITUS_INIT_LOCAL_HTTP" |
		grep -q '"shards": *[1-9]' || break
	sleep 0.1
done
"$CITUS_INIT" status --address "$CITUS_INIT_LOCAL_HTTP"

step "try it yourself, in another terminal"
cat <<END
  connect:         . $CITUS_INIT_LOCAL_DIR/env && psql
  look:            $CITUS_INIT status --address $CITUS_INIT_LOCAL_HTTP
  kill a worker:   kill -9 \$(cat $CITUS_INIT_LOCAL_DIR/citus-1/pid)
  read its log:    tail -f $CITUS_INIT_LOCAL_DIR/citus-1/log

Ctrl-C here stops the cluster and removes it.
END

sleep infinity &
trap 'kill $!; exit 0' INT TERM HUP
wait
