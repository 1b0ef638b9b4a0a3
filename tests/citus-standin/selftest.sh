#!/bin/bash
# For tests only: proves the stand-in for Citus, and that the real one gives the same answers.
#
#   tests/citus-standin/selftest.sh [BIN]
#
# BIN is the bin directory of a PostgreSQL that has an extension citus, the real or the stand-in;
# without it the stand-in is installed into the temporary directory first. Four nodes are made
# there, on addresses of their own on the loopback, and every statement's answer is compared with
# what is written here: rows, and SQLSTATE and text of warnings and errors. What only one of the
# two can do is marked. Everything that was started is stopped at the end; as root, the servers run
# as user postgres.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/citus-standin.XXXXXX")
net=127.77.$((100 + $$ % 100))
port=${SELFTEST_PORT:-5432}
nodes="0 1 2 3"
failures=0
checks=0

as_server() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

log() {
    printf '%s\n' "$*"
}

postmaster_pid() {
    as_server sed -n 1p "$work/$1/postmaster.pid" 2>/dev/null || true
}

# All processes of one node: the postmaster and its children.
pids_of() {
    local pid
    pid=$(postmaster_pid "$1")
    [ -z "$pid" ] || echo "$pid" "$(ps -o pid= --ppid "$pid" | tr '\n' ' ')"
}

# Freezes (STOP) or thaws (CONT) a node; one of its sessions may end meanwhile.
signal_node() {
    local pid
    for pid in $(pids_of "$2"); do
        kill "-$1" "$pid" 2>/dev/null || true
    done
}

start() {
    as_server env PGPASSFILE="$work/pgpass" "$bin/pg_ctl" -s -w -t 20 -D "$work/$1" \
        -l "$work/$1.log" start 2>/dev/null
}

stop() {
    as_server "$bin/pg_ctl" -s -w -t "${3:-20}" -D "$work/$1" -m "${2:-fast}" stop
}

# The postmaster dies by SIGKILL; its children notice, and the node can be started again.
kill_node() {
    local pids pid deadline=$((SECONDS + 20))
    pids=$(pids_of "$1")
    kill -KILL "$(postmaster_pid "$1")"
    for pid in $pids; do
        while [ $SECONDS -lt $deadline ] && [ -d "/proc/$pid" ]; do
            sleep 0.05
        done
    done
}

cleanup() {
    local n
    for n in $nodes; do
        if [ -n "$(postmaster_pid "$n")" ]; then
            signal_node CONT "$n"
            stop "$n" immediate >/dev/null 2>&1 || true
        fi
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# sql NODE DATABASE USER STATEMENT...: rows and messages on one line, joined by ";".
sql() {
    local node=$1 database=$2 user=$3 statement args=()
    shift 3
    for statement in "$@"; do
        args+=(-c "$statement")
    done
    env PGCONNECT_TIMEOUT=5 PGOPTIONS="-c statement_timeout=120s -c client_min_messages=warning" \
        "$bin/psql" -XAtq -v VERBOSITY=verbose -h "$work/socket$node" -p "$port" -U "$user" \
        -d "$database" "${args[@]}" 2>&1 |
        grep -Ev '^(LOCATION|CONTEXT|DETAIL|HINT|LINE [0-9]+|QUERY|NOTICE|SQL |PL/pgSQL )' |
        grep -Ev '^[A-Z]+ NAME: ' |
        grep -Ev '^[[:space:]]' | sed 's/^\(ERROR\|WARNING\|FATAL\):  /\1 /; /^$/d' |
        sed "s/${net//./\\.}/NET/g" | paste -sd ';'
}

check() {
    local name=$1 expected=$2 got=$3
    checks=$((checks + 1))
    if [ "$expected" = "$got" ]; then
        return
    fi
    failures=$((failures + 1))
    log "FAILED: $name"
    log "  expected: $expected"
    log "  got:      $got"
}

# is NAME EXPECTED NODE STATEMENT...: as postgres in citusdb.
is() {
    local name=$1 expected=$2 node=$3
    shift 3
    check "$name" "$expected" "$(sql "$node" citusdb postgres "$@")"
}

# state NAME SQLSTATE NODE STATEMENT: only the state, where the text cannot be the same.
state() {
    local got
    got=$(sql "$3" citusdb postgres "$4")
    got=${got#ERROR }
    check "$1" "$2" "${got%%:*}"
}

as_admin() {
    local name=$1 expected=$2 node=$3
    shift 3
    check "$name" "$expected" "$(sql "$node" citusdb admin "$@")"
}

# until_is NAME EXPECTED NODE STATEMENT...: the same, asked again for up to 20 s.
until_is() {
    local name=$1 expected=$2 node=$3 deadline=$((SECONDS + 20)) got=
    shift 3
    while [ $SECONDS -lt $deadline ]; do
        got=$(sql "$node" citusdb postgres "$@")
        [ "$got" != "$expected" ] || break
        sleep 0.1
    done
    check "$name" "$expected" "$got"
}

make_node() {
    as_server mkdir "$work/socket$1"
    as_server "$bin/initdb" -N -D "$work/$1" -U postgres --auth=scram-sha-256 \
        --auth-local=trust --pwfile="$work/password" >/dev/null
    as_server tee -a "$work/$1/postgresql.conf" >/dev/null <<EOF
shared_preload_libraries = 'citus'
listen_addresses = '$net.$1,$net.1$1'
port = $port
unix_socket_directories = '$work/socket$1'
fsync = off
wal_level = logical
citus.node_conninfo = 'sslmode=prefer'
citus.local_hostname = '$net.$1'
EOF
    echo "host all all $net.0/24 scram-sha-256" | as_server tee -a "$work/$1/pg_hba.conf" >/dev/null
}

prepare() {
    chmod 755 "$work"
    [ "$(id -u)" != 0 ] || chown postgres "$work"
    echo secret | as_server tee "$work/password" >/dev/null
    echo '*:*:*:*:secret' | as_server tee "$work/pgpass" >/dev/null
    as_server chmod 600 "$work/pgpass"
    local n
    for n in $nodes; do
        make_node "$n"
    done
}

# In single-user mode: no server is needed to see what the library says when it is loaded.
single() {
    local preload=$1 statement=$2
    echo "$statement" | as_server "$bin/postgres" --single -D "$work/0" \
        -c shared_preload_libraries="$preload" postgres 2>&1 |
        sed -n 's/.*\(\(ERROR\|FATAL\|HINT\): .*\)/\1/p' | paste -sd ';'
}

test_preload() {
    log "preload rules"
    check "not preloaded" \
        "ERROR:  Citus can only be loaded via shared_preload_libraries;HINT:  Add citus to shared_preload_libraries configuration variable in postgresql.conf in master and workers. Note that citus should be at the beginning of shared_preload_libraries." \
        "$(single '' 'CREATE EXTENSION citus')"
    check "not first" \
        "FATAL:  Citus has to be loaded first;HINT:  Place citus at the beginning of shared_preload_libraries." \
        "$(single 'pg_stat_statements,citus' 'SELECT 1')"
}

test_settings() {
    log "settings"
    is "prepared transactions" "200" 0 "SHOW max_prepared_transactions"
    is "unknown setting" \
        'ERROR 42602: invalid configuration parameter name "citus.nosuch"' 0 "SET citus.nosuch = 1"
    is "keyword of node_conninfo" \
        'ERROR 22023: invalid value for parameter "citus.node_conninfo": "passfile=/x"' 0 \
        "ALTER SYSTEM SET citus.node_conninfo = 'passfile=/x'"
    is "good node_conninfo" "" 0 \
        "ALTER SYSTEM SET citus.node_conninfo = 'sslmode=prefer connect_timeout=5 keepalives=1 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=10000'" \
        "ALTER SYSTEM RESET citus.node_conninfo"
    is "pool size" "100" 0 "SHOW citus.max_shared_pool_size"
    is "hidden" "on" 0 "SHOW citus.enable_ddl_propagation"
    is "range" \
        'ERROR 22023: 5 ms is outside the valid range for parameter "citus.node_connection_timeout" (10 .. 3600000)' \
        0 "SET citus.node_connection_timeout = 5"
    as_admin "superuser's" \
        'ERROR 42501: permission denied to set parameter "citus.local_hostname"' \
        0 "SET citus.local_hostname = 'x'"
    as_admin "user's" "" 0 "SET citus.node_connection_timeout = '2s'"
    is "contexts" \
        "background_task_queue_interval,sighup,5000,ms;cluster_name,superuser-backend,default,;defer_shard_delete_interval,sighup,15000,ms;distributed_deadlock_detection_factor,sighup,2,;enable_create_database_propagation,user,off,;enable_create_role_propagation,user,on,;enable_stat_counters,superuser,off,;enable_statistics_collection,sighup,off,;local_hostname,superuser,localhost,;local_shared_pool_size,sighup,0,;max_adaptive_executor_pool_size,user,16,;max_background_task_executors,sighup,1,;max_background_task_executors_per_node,sighup,1,;max_cached_connection_lifetime,user,600000,ms;max_cached_conns_per_worker,user,1,;max_client_connections,superuser,-1,;max_shared_pool_size,sighup,0,;max_worker_nodes_tracked,postmaster,2048,;node_connection_timeout,user,30000,ms;node_conninfo,sighup,sslmode=require,;recover_2pc_interval,sighup,60000,ms;shard_count,user,32,;shard_replication_factor,user,1,;stat_statements_track,superuser,none,;stat_tenants_track,superuser,none,;use_secondary_nodes,superuser-backend,never," \
        0 "SELECT concat_ws(',', split_part(name, '.', 2), context, boot_val, coalesce(unit, '')) FROM pg_settings WHERE name IN ('citus.node_conninfo', 'citus.local_hostname', 'citus.node_connection_timeout', 'citus.max_client_connections', 'citus.max_shared_pool_size', 'citus.local_shared_pool_size', 'citus.max_adaptive_executor_pool_size', 'citus.max_cached_conns_per_worker', 'citus.max_cached_connection_lifetime', 'citus.recover_2pc_interval', 'citus.distributed_deadlock_detection_factor', 'citus.defer_shard_delete_interval', 'citus.background_task_queue_interval', 'citus.max_background_task_executors', 'citus.max_background_task_executors_per_node', 'citus.shard_count', 'citus.shard_replication_factor', 'citus.enable_create_role_propagation', 'citus.enable_create_database_propagation', 'citus.stat_statements_track', 'citus.stat_tenants_track', 'citus.enable_stat_counters', 'citus.enable_statistics_collection', 'citus.max_worker_nodes_tracked', 'citus.use_secondary_nodes', 'citus.cluster_name') ORDER BY name"
}

# Signatures, defaults and rights of everything that citus-init calls.
test_signatures() {
    log "signatures"
    check "signatures" "" "$(diff "$here/signatures.txt" <(
        "$bin/psql" -XAtq -h "$work/socket0" -p "$port" -U postgres -d citusdb -c "
        SELECT p.oid::regprocedure || ' | ' || pg_get_function_arguments(p.oid) || ' | ' ||
            concat_ws(' ', pg_get_function_result(p.oid), p.prokind,
                CASE WHEN p.proisstrict THEN 'strict' END,
                CASE WHEN has_function_privilege('public', p.oid, 'execute') THEN 'public' END)
        FROM pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (
            string_to_array('$(sed 's/(.*//' "$here/signatures.txt" | sort -u | paste -sd ' ')', ' '))
        ORDER BY p.oid::regprocedure::text COLLATE \"C\""))"
}

test_forming() {
    log "forming"
    is "version" "13.2-1" 0 "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
    is "empty node" "0|0|f|0" 0 \
        "SELECT (SELECT groupid FROM pg_dist_local_group), (SELECT count(*) FROM pg_dist_node), citus_is_coordinator(), citus_coordinator_nodeid()"
    is "localhost" "1" 0 "SELECT citus_set_coordinator_host('localhost', $port)" \
        "SELECT nodeid FROM pg_dist_node"
    is "worker beside localhost" \
        "ERROR XX000: cannot add a worker node when the coordinator hostname is set to localhost" \
        0 "SELECT citus_add_node('$net.1', $port)"
    is "rename" "1|0|NET.0|t|t|t|f" 0 "SELECT citus_set_coordinator_host('$net.0', $port)" \
        "SELECT nodeid, groupid, nodename, hasmetadata, isactive, metadatasynced, shouldhaveshards FROM pg_dist_node"
    is "nobody there" \
        "ERROR 08006: connection to the remote node postgres@NET.77:$port failed with the following error: Connection refused" \
        0 "SELECT citus_add_node('$net.77', $port)"
    is "no such name" \
        'ERROR 08006: connection to the remote node postgres@no-such-host.invalid:1 failed with the following error: could not translate host name "no-such-host.invalid" to address: Name or service not known' \
        0 "SELECT citus_add_node('no-such-host.invalid', 1)"
    is "ourselves" "ERROR XX000: Node cannot add itself as a worker." 0 \
        "SELECT citus_add_node('$net.10', $port)"
    is "in bulk, inactive" "2" 0 \
        "SELECT count(citus_add_inactive_node(n, $port)) FROM unnest('{$net.1,$net.2}'::text[]) n"
    is "inactive rows" "NET.1|f|f|f|t;NET.2|f|f|f|t" 0 \
        "SELECT nodename, hasmetadata, isactive, metadatasynced, shouldhaveshards FROM pg_dist_node WHERE groupid > 0 ORDER BY 1"
    is "known name, inactive" "t;f" 0 \
        "SELECT citus_add_node('$net.1', $port) = nodeid FROM pg_dist_node WHERE nodename = '$net.1'" \
        "SELECT isactive FROM pg_dist_node WHERE nodename = '$net.1'"
    is "a batch that fails" \
        "t;ERROR 08006: connection to the remote node postgres@NET.77:$port failed with the following error: Connection refused" \
        0 "BEGIN; SELECT citus_activate_node('$net.1', $port) > 1; SELECT citus_add_node('$net.77', $port); COMMIT"
    is "leaves nothing behind" "0|0|0" 1 \
        "SELECT (SELECT groupid FROM pg_dist_local_group), (SELECT count(*) FROM pg_dist_node), (SELECT count(*) FROM pg_prepared_xacts)"
    is "in bulk, activate" "2" 0 \
        "SELECT count(citus_activate_node(n, $port)) FROM unnest('{$net.1,$net.2}'::text[]) n"
    is "rows" "0|NET.0|t|t|t;NET.1|t|t|t;NET.2|t|t|t" 0 \
        "SELECT groupid || '|' || nodename, hasmetadata, isactive, metadatasynced FROM pg_dist_node WHERE groupid = 0 UNION ALL (SELECT nodename, hasmetadata, isactive, metadatasynced FROM pg_dist_node WHERE groupid > 0 ORDER BY 1)"
    is "rows on a worker" "t" 1 \
        "SELECT (SELECT groupid FROM pg_dist_local_group) = (SELECT groupid FROM pg_dist_node WHERE nodename = '$net.1') AND count(*) = 3 AND bool_and(isactive AND hasmetadata AND metadatasynced) FROM pg_dist_node"
    is "second time" "t" 0 \
        "SELECT bool_and(citus_add_node(nodename, nodeport) = nodeid) FROM pg_dist_node"
    is "is_coordinator" "t|t" 0 "SELECT citus_is_coordinator(), citus_coordinator_nodeid() > 0"
    is "is_coordinator on a worker" "f" 1 "SELECT citus_is_coordinator()"
    is "ids are burned" "t" 0 \
        "SELECT nodeid > 3 AND groupid > 2 FROM pg_dist_node WHERE nodename = '$net.2'"
    is "group taken" "t" 0 \
        "DO \$\$ DECLARE g int := (SELECT groupid FROM pg_dist_node WHERE nodename = '$net.1'); BEGIN PERFORM citus_add_node('$net.3', $port, groupid := g); EXCEPTION WHEN internal_error THEN IF SQLERRM <> format('group %s already has a primary node', g) THEN RAISE; END IF; END \$\$" \
        "SELECT count(*) = 3 FROM pg_dist_node"
    is "coordinator as inactive" \
        "ERROR XX000: coordinator node cannot be added as inactive node" 0 \
        "SELECT citus_add_inactive_node('x', 1, groupid := 0)"
    is "lock" "f;ExclusiveLock" 0 "BEGIN" "SELECT citus_activate_node('$net.1', $port) IS NULL" \
        "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'pg_dist_node'::regclass AND pid = pg_backend_pid() AND mode = 'ExclusiveLock'" \
        "ROLLBACK"
}

test_refusals() {
    log "refusals"
    local f
    for f in "citus_add_node('x', 1)" "citus_add_inactive_node('x', 1)" \
        "citus_activate_node('x', 1)" "citus_remove_node('x', 1)" "citus_disable_node('x', 1)" \
        "citus_set_node_property('x', 1, 'shouldhaveshards', true)" \
        "start_metadata_sync_to_node('x', 1)" "stop_metadata_sync_to_node('x', 1)"; do
        is "$f on a worker" "ERROR XX000: operation is not allowed on this node" 1 "SELECT $f"
        as_admin "$f by admin" "ERROR 42501: permission denied for function ${f%%(*}" 0 "SELECT $f"
    done
    is "own name on a worker" \
        'ERROR 23505: duplicate key value violates unique constraint "pg_dist_node_nodename_nodeport_key"' \
        1 "SELECT citus_set_coordinator_host('$net.1', $port)"
    is "other name on a worker" \
        "ERROR 40P01: canceling the transaction since it was involved in a distributed deadlock" \
        1 "SELECT citus_set_coordinator_host('$net.99', $port)"
    is "second name" \
        "ERROR 40P01: canceling the transaction since it was involved in a distributed deadlock" \
        0 "SELECT citus_add_node('$net.11', $port)"
    is "no such node" 'ERROR XX000: node at "x:1" does not exist' 0 "SELECT citus_remove_node('x', 1)"
    is "no such node to stop" "ERROR 55000: node (x,1) does not exist" 0 \
        "SELECT stop_metadata_sync_to_node('x', 1)"
    is "no such property" \
        "ERROR XX000: only the 'shouldhaveshards' property can be set using this function" 0 \
        "SELECT citus_set_node_property('$net.1', $port, 'x', true)"
    is "no such id" "ERROR P0002: node 999 not found" 0 "SELECT citus_update_node(999, 'x', 1)"
    is "name of another" \
        "ERROR 55000: there is already another node with the specified hostname and port" 0 \
        "SELECT citus_update_node(1, '$net.1', $port)"
    is "first worker" \
        "ERROR 55000: disabling the first worker node in the metadata is not allowed" 0 \
        "SELECT citus_disable_node('$net.1', $port)"
    is "authinfo" 'ERROR 23514: new row for relation "pg_dist_authinfo" violates check constraint "authinfo_valid"' 0 \
        "INSERT INTO pg_dist_authinfo VALUES (0, 'postgres', 'passfile=/x')"
    as_admin "authinfo by admin" "ERROR 42501: permission denied for table pg_dist_authinfo" 0 \
        "SELECT * FROM pg_dist_authinfo"
    as_admin "catalog by admin" "3" 1 "SELECT count(*) FROM pg_dist_node"
}

test_unfit_nodes() {
    log "unfit nodes"
    is "no extension" \
        "WARNING 42883: function assign_distributed_transaction_id(integer, integer, unknown) does not exist;ERROR XX000: failure on connection marked as essential: NET.3:$port" \
        0 "SELECT citus_add_node('$net.3', $port)"
    is "" "" 3 "CREATE EXTENSION citus" \
        "UPDATE pg_extension SET extversion = '12.1-1' WHERE extname = 'citus'"
    is "old extension" \
        "WARNING XX000: loaded Citus library version differs from installed extension version;ERROR XX000: failure on connection marked as essential: NET.3:$port" \
        0 "SELECT citus_add_node('$net.3', $port)"
    is "old extension, there" \
        "ERROR XX000: loaded Citus library version differs from installed extension version" \
        3 "SELECT citus_add_node('x', 1)"
    is "" "" 3 "UPDATE pg_extension SET extversion = '13.2-1' WHERE extname = 'citus'"
    is "nothing was added" "3" 0 "SELECT count(*) FROM pg_dist_node"
    is "minor version before" "" 3 "DROP EXTENSION citus" "CREATE EXTENSION citus VERSION '13.1-1'"
    is "minor version before, add" \
        "WARNING 42703: column \"nodeisclone\" of relation \"pg_dist_node\" does not exist;ERROR XX000: failure on connection marked as essential: NET.3:$port" \
        0 "SELECT citus_add_node('$net.3', $port)"
    is "update" "13.2-1" 3 "ALTER EXTENSION citus UPDATE" \
        "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
    check "other database" \
        "ERROR 08006: connection to the remote node postgres@NET.3:$port failed with the following error: FATAL:  database \"only0\" does not exist" \
        "$(sql 0 postgres postgres 'CREATE DATABASE only0' >/dev/null
           sql 0 only0 postgres 'CREATE EXTENSION citus' "SELECT citus_add_node('$net.3', $port)")"
    check "drop database with a daemon" "" "$(sql 0 postgres postgres 'DROP DATABASE only0')"
}

test_single_node() {
    log "node by itself"
    is "registers itself" "0|NET.3|t|4" 3 "CREATE TABLE f (id int PRIMARY KEY)" \
        "INSERT INTO f SELECT generate_series(1, 100)" \
        "SELECT create_distributed_table('f', 'id', shard_count := 4)" \
        "SELECT groupid, nodename, shouldhaveshards, (SELECT count(*) FROM citus_shards) FROM pg_dist_node"
    is "holds the rows" "100;4" 3 "SELECT count(*) FROM f" \
        "SELECT count(*) FROM run_command_on_placements('f', 'SELECT count(*) FROM %s') WHERE result::int > 5"
    state "duplicate" 23505 3 "INSERT INTO f VALUES (7)"
    is "moves to no node" \
        "ERROR XX000: cannot remove or disable the node NET.3:$port because because it contains the only shard placement for shard 102008" \
        3 "SELECT citus_remove_node('$net.3', $port)"
    is "drop" "0" 3 "SET citus.override_table_visibility = off" "DROP TABLE f" \
        "SELECT count(*) FROM pg_class WHERE relname ~ '^f(_[0-9]+)?\$'"
    is "takes no shards" "ERROR 22023: replication_factor (1) exceeds number of worker nodes (0)" 3 \
        "SELECT citus_set_node_property('$net.3', $port, 'shouldhaveshards', false)" \
        "CREATE TABLE f (id int)" "SELECT create_distributed_table('f', 'id')" "DROP TABLE f"
    is "removes itself" "0" 3 "SELECT citus_remove_node('$net.3', $port)" \
        "SELECT count(*) FROM pg_dist_node"
}

test_foreign_node() {
    log "node of another cluster"
    is "forms its own" "32" 3 "SELECT citus_set_coordinator_host('$net.3', $port)" \
        "SELECT citus_set_node_property('$net.3', $port, 'shouldhaveshards', true)" \
        "CREATE TABLE f (id int)" "SELECT create_distributed_table('f', 'id')" \
        "INSERT INTO f SELECT generate_series(1, 100)" "SELECT count(*) FROM citus_shards"
    is "is taken without a word" "t" 0 "SELECT citus_add_node('$net.3', $port) > 3"
    is "is wiped" "4|0|0|0|t" 3 \
        "SELECT (SELECT count(*) FROM pg_dist_node), (SELECT count(*) FROM pg_dist_partition), (SELECT count(*) FROM pg_dist_shard), (SELECT count(*) FROM pg_dist_placement), (SELECT groupid FROM pg_dist_local_group) > 0"
    is "table gone, shards left" "|32" 3 "SET citus.override_table_visibility = off" \
        "SELECT to_regclass('f'), (SELECT count(*) FROM pg_class WHERE relname ~ '^f_[0-9]+\$')"
    is "remove" "3" 0 "SELECT citus_remove_node('$net.3', $port)" "SELECT count(*) FROM pg_dist_node"
    is "workers know" "3" 1 "SELECT count(*) FROM pg_dist_node"
    is "removed node goes on" "4|t" 3 \
        "SELECT (SELECT count(*) FROM pg_dist_node), (SELECT groupid FROM pg_dist_local_group) > 0"
    is "remove again" "ERROR XX000: node at \"NET.3:$port\" does not exist" 0 \
        "SELECT citus_remove_node('$net.3', $port)"
    is "reset" "0|0" 3 "DROP EXTENSION citus CASCADE" "CREATE EXTENSION citus" \
        "SELECT (SELECT groupid FROM pg_dist_local_group), (SELECT count(*) FROM pg_dist_node)"
}

test_roles() {
    log "roles"
    is "made before" "" 3 "CREATE ROLE u CREATEDB CONNECTION LIMIT 3 PASSWORD 'theirs'" \
        "CREATE ROLE onlyhere"
    is "made here" "" 0 "CREATE ROLE u LOGIN CONNECTION LIMIT 7 PASSWORD 'ours'"
    is "on a worker" "u|t|f|7" 1 \
        "SELECT rolname, rolcanlogin, rolcreatedb, rolconnlimit FROM pg_roles WHERE rolname = 'u'"
    is "late joiner" "t" 0 "SELECT citus_add_node('$net.3', $port) > 3"
    is "ours win" "u|t|f|7" 3 \
        "SELECT rolname, rolcanlogin, rolcreatedb, rolconnlimit FROM pg_roles WHERE rolname = 'u'"
    is "others stay" "onlyhere" 3 "SELECT rolname FROM pg_roles WHERE rolname = 'onlyhere'"
    check "one verifier everywhere" "1" "$(for n in 0 3; do
        sql $n citusdb postgres "SELECT string_agg(rolpassword, ',' ORDER BY rolname) FROM pg_authid WHERE rolname IN ('postgres', 'admin')"
    done | sort -u | wc -l)"
    is "alter" "" 0 "ALTER ROLE u CONNECTION LIMIT 9"
    is "altered" "9" 3 "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'u'"
    is "owner of the database" "admin" 3 \
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'citusdb'"
    is "drop" "" 0 "DROP ROLE u"
    is "dropped" "0" 3 "SELECT count(*) FROM pg_roles WHERE rolname = 'u'"
    is "leave again" "" 0 "SELECT citus_remove_node('$net.3', $port)"
    is "" "" 3 "DROP EXTENSION citus CASCADE" "CREATE EXTENSION citus"
}

test_commands() {
    log "commands"
    is "workers" "NET.1|$port|t|1;NET.2|$port|t|1" 0 \
        "SELECT * FROM run_command_on_workers('SELECT 1') ORDER BY 1"
    is "all nodes" "t|NET;t|NET;t|NET" 0 \
        "SELECT success, '$net' FROM run_command_on_all_nodes('SELECT 1')"
    is "outcomes" \
        't|CREATE TABLE;f|ERROR:  column "nope" does not exist;f|expected a single row in query result;f|expected a single column in query target;t|' 0 \
        "SELECT r.success, r.result FROM unnest(ARRAY['CREATE TABLE zz ()', 'SELECT nope', 'VALUES (1), (2)', 'SELECT 1, 2', 'SELECT 1 WHERE false']) WITH ORDINALITY c(command, n), run_command_on_workers(c.command) r WHERE r.nodename = '$net.1' ORDER BY n"
    is "" "" 1 "DROP TABLE zz"
    is "check connection" \
        "WARNING 08006: connection to the remote node postgres@NET.77:$port failed with the following error: Connection refused;f|t" 0 \
        "SELECT citus_check_connection_to_node('$net.77', $port), citus_check_connection_to_node('$net.1', $port)"
    is "health" "9|t" 0 "SELECT count(*), bool_and(result) FROM citus_check_cluster_node_health()"
    is "active workers" "NET.1|$port;NET.2|$port" 0 \
        "SELECT * FROM citus_get_active_worker_nodes() ORDER BY 1"
    is "recover" "0" 0 "SELECT recover_prepared_transactions()"
    is "finish upgrade" "" 0 "CALL citus_finish_citus_upgrade()"
    is "cleanup" "" 0 "CALL citus_cleanup_orphaned_resources()"
    is "status" "" 0 "SELECT * FROM citus_rebalance_status()"
    is "stop without a job" "ERROR XX000: no ongoing rebalance that can be stopped" 0 \
        "SELECT citus_rebalance_stop()"
}

test_tables() {
    log "tables"
    as_admin "create" "32" 0 "CREATE TABLE t (id bigint PRIMARY KEY, k int, v text DEFAULT 'x')" \
        "SELECT create_distributed_table('t', 'id')" "SELECT count(*) FROM citus_shards"
    as_admin "twice" 'ERROR 42P16: table "t" is already distributed' 0 \
        "SELECT create_distributed_table('t', 'id')"
    as_admin "no such column" 'ERROR 42703: column "x" of relation "bad" does not exist' 0 \
        "CREATE TABLE bad (id int, u int UNIQUE)" "SELECT create_distributed_table('bad', 'x')"
    as_admin "key without the column" 'ERROR 0A000: cannot create constraint on "bad"' 0 \
        "SELECT create_distributed_table('bad', 'id')" "DROP TABLE bad"
    as_admin "a million rows" "1000000|10" 0 \
        "INSERT INTO t (id, k) SELECT g, g % 10 FROM generate_series(1, 1000000) g" \
        "SELECT count(*), count(DISTINCT k) FROM t"
    as_admin "grouped" "0|100000;1|100000" 0 \
        "SELECT k, count(*) FROM t GROUP BY k ORDER BY k LIMIT 2"
    as_admin "duplicate" \
        "WARNING 01000: 23505" 0 "DO \$\$ BEGIN INSERT INTO t (id) VALUES (5); EXCEPTION WHEN unique_violation THEN RAISE WARNING USING MESSAGE = SQLSTATE; END \$\$"
    is "rows live on the workers" "t" 1 \
        "SET citus.override_table_visibility = off" \
        "SELECT sum(n) BETWEEN 400000 AND 600000 FROM (SELECT (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %s', oid::regclass), false, true, '')))[1]::text::int AS n FROM pg_class WHERE relname ~ '^t_[0-9]+\$' AND relkind = 'r') s"
    as_admin "from a worker" "1000000" 2 "SELECT count(*) FROM t"
    is "shards" "NET.1|16;NET.2|16" 0 \
        "SELECT nodename, count(*) FROM citus_shards WHERE table_name = 't'::regclass AND citus_table_type = 'distributed' GROUP BY 1 ORDER BY 1"
    is "names" "t_102008|102008" 0 "SELECT shard_name('t', shardid), shardid FROM pg_dist_shard ORDER BY shardid LIMIT 1"
    is "shard of a value" "t" 0 \
        "SELECT get_shard_id_for_distribution_column('t', 5) IN (SELECT shardid FROM pg_dist_shard)"
    is "sizes" "t|t" 0 "SELECT citus_table_size('t') > 1000000, sum(shard_size) > 1000000 FROM citus_shards"
    is "citus_tables" "t|distributed|id|32|admin|heap" 0 \
        "SELECT table_name, citus_table_type, distribution_column, shard_count, table_owner, access_method FROM citus_tables"
    is "placements" "32|1000000" 0 \
        "SELECT count(*), sum(result::int) FROM run_command_on_placements('t', 'SELECT count(*) FROM %s')"
    as_admin "in one transaction" "3;3" 0 \
        "BEGIN; CREATE TABLE o (id int, at timestamptz DEFAULT now()); INSERT INTO o VALUES (1); SELECT create_distributed_table('o', 'id', shard_count := 4); INSERT INTO o VALUES (2), (3); SELECT count(*) FROM o; COMMIT" \
        "SELECT count(*) FROM o"
    as_admin "rolled back" "32|4" 0 \
        "BEGIN; CREATE TABLE p (id int); SELECT create_distributed_table('p', 'id', shard_count := 4); ROLLBACK" \
        "SELECT (SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 't'::regclass), (SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'o'::regclass)"
    is "leaves nothing behind" "0" 1 "SET citus.override_table_visibility = off" \
        "SELECT count(*) FROM pg_class WHERE relname ~ '^p(_[0-9]+)?\$'"
    as_admin "drop" "" 0 "DROP TABLE o"
    is "dropped" "0" 1 "SET citus.override_table_visibility = off" \
        "SELECT count(*) FROM pg_class WHERE relname ~ '^o(_[0-9]+)?\$'"
    as_admin "reference" "2;2" 0 "CREATE TABLE r (id int PRIMARY KEY, v text)" \
        "INSERT INTO r VALUES (1, 'a')" "SELECT create_reference_table('r')" \
        "INSERT INTO r VALUES (2, 'b')" "SELECT count(*) FROM r" \
        "SELECT count(*) FROM r JOIN t USING (id)"
    as_admin "reference on a worker" "2" 1 "SELECT count(*) FROM r"
    is "reference placements" "NET.0|t|2;NET.1|t|2;NET.2|t|2" 0 \
        "SELECT nodename, success, result FROM run_command_on_placements('r', 'SELECT count(*) FROM %s') ORDER BY 1"
    is "only placement" \
        "ERROR XX000: cannot remove or disable the node NET.2:$port because because it contains the only shard placement for shard 102009" \
        0 "SELECT citus_remove_node('$net.2', $port)"
    is "only placement, disable" \
        "ERROR XX000: cannot remove or disable the node NET.2:$port because because it contains the only shard placement for shard 102009" \
        0 "SELECT citus_disable_node('$net.2', $port)"
}

test_dead_member() {
    log "dead member"
    local refused="connection to the remote node postgres@NET.2:$port failed with the following error: Connection refused"
    kill_node 2
    # The real Citus says 08006, postgres_fdw 08001.
    check "select" "connection failure" \
        "$(sql 0 citusdb postgres 'SELECT count(*) FROM t' | sed 's/^ERROR 0800[16]:.*/connection failure/')"
    is "add" "ERROR 08006: $refused" 0 "SELECT citus_add_node('$net.3', $port)"
    is "add inactive" "ERROR 08006: $refused" 0 "SELECT citus_add_inactive_node('$net.3', $port)"
    is "activate" "ERROR 08006: $refused" 0 "SELECT citus_activate_node('$net.1', $port)"
    is "coordinator" "ERROR 08006: $refused" 0 "SELECT citus_set_coordinator_host('$net.0', $port)"
    is "property" "ERROR 08006: $refused" 0 \
        "SELECT citus_set_node_property('$net.1', $port, 'shouldhaveshards', true)"
    is "create role" "ERROR 08006: $refused" 0 "CREATE ROLE u"
    is "reference write" "ERROR 08006: $refused" 0 "INSERT INTO r VALUES (3, 'c')"
    is "nothing left on the others" "3|0" 1 \
        "SELECT (SELECT count(*) FROM pg_dist_node), (SELECT count(*) FROM pg_prepared_xacts)"
    is "run_command" "NET.1|t|1;NET.2|f|failed to connect to NET.2:$port" 0 \
        "SELECT nodename, success, result FROM run_command_on_workers('SELECT 1') ORDER BY 1"
    is "stop sync" "f|f" 0 "SELECT stop_metadata_sync_to_node('$net.2', $port)" \
        "SELECT hasmetadata, metadatasynced FROM pg_dist_node WHERE nodename = '$net.2'"
    is "add after that" "t" 0 "SELECT citus_add_node('$net.3', $port) > 3"
    is "remove after that" "" 0 "SELECT citus_remove_node('$net.3', $port)"
    start 2
    is "still its old rows" "3" 2 "SELECT count(*) FROM pg_dist_node"
    is "activate brings it back" "f;t|t" 0 "SELECT citus_activate_node('$net.2', $port) IS NULL" \
        "SELECT hasmetadata, metadatasynced FROM pg_dist_node WHERE nodename = '$net.2'"
    as_admin "rows are there" "1000000" 0 "SELECT count(*) FROM t"
}

test_disable() {
    log "disable"
    is "drop tables" "" 0 "DROP TABLE t"
    is "disable" "t|f|f" 0 "SELECT citus_disable_node('$net.2', $port)" \
        "SELECT (SELECT metadatasynced FROM pg_dist_node WHERE nodename = '$net.1') IS NOT NULL, isactive, metadatasynced FROM pg_dist_node WHERE nodename = '$net.2'"
    until_is "daemon tells the others" "t|f" 1 \
        "SELECT (SELECT metadatasynced FROM pg_dist_node WHERE nodename = '$net.1'), isactive FROM pg_dist_node WHERE nodename = '$net.2'"
    until_is "and notes it" "t" 0 \
        "SELECT metadatasynced FROM pg_dist_node WHERE nodename = '$net.1'"
    is "activate drops placements" "f;NET.0;NET.1" 0 \
        "SELECT citus_activate_node('$net.2', $port) IS NULL" \
        "SELECT nodename FROM citus_shards ORDER BY 1"
    is "replicate" "NET.0;NET.1;NET.2" 0 "SELECT replicate_reference_tables()" \
        "SELECT nodename FROM citus_shards ORDER BY 1"
    is "copied" "2" 2 "SELECT count(*) FROM r"
    is "remove a reference copy" "NET.0;NET.1" 0 "SELECT citus_remove_node('$net.2', $port)" \
        "SELECT nodename FROM citus_shards ORDER BY 1"
    is "removed node goes on" "3|2" 2 \
        "SELECT (SELECT count(*) FROM pg_dist_node), (SELECT count(*) FROM r)"
    is "add again" "t" 0 "SELECT citus_add_node('$net.2', $port) > 3"
    is "no copy yet" "NET.0;NET.1" 0 "SELECT nodename FROM citus_shards ORDER BY 1"
    is "next table brings it" "NET.0;NET.1;NET.2" 0 "CREATE TABLE q (id int)" \
        "SELECT create_distributed_table('q', 'id', shard_count := 2)" \
        "SELECT nodename FROM citus_shards WHERE table_name = 'r'::regclass ORDER BY 1"
}

test_replaced_node() {
    log "node made anew behind its name"
    is "" "" 0 "DROP TABLE q"
    is "wiped" "" 2 "DROP EXTENSION citus CASCADE" "DROP TABLE IF EXISTS r" \
        "DROP VIEW IF EXISTS r" \
        "DO \$\$ DECLARE n text; BEGIN FOR n IN SELECT oid::regclass FROM pg_class WHERE relname ~ '^r_[0-9]+\$' AND relkind = 'r' LOOP EXECUTE 'DROP TABLE ' || n; END LOOP; END \$\$" \
        "CREATE EXTENSION citus"
    is "known name repairs nothing" "t" 0 \
        "SELECT citus_add_node('$net.2', $port) = nodeid FROM pg_dist_node WHERE nodename = '$net.2'"
    is "still empty" "0|0" 2 \
        "SELECT (SELECT groupid FROM pg_dist_local_group), (SELECT count(*) FROM pg_dist_node)"
    is "looks healthy" "9|t" 0 \
        "SELECT count(*), bool_and(result) FROM citus_check_cluster_node_health()"
    state "write" 42P01 0 "INSERT INTO r VALUES (4, 'd')"
    is "activate only" "t" 0 "SELECT citus_activate_node('$net.2', $port) > 0"
    is "group is back" "t" 2 "SELECT groupid > 0 FROM pg_dist_local_group"
    is "replicate believes the catalog" "" 0 "SELECT replicate_reference_tables()"
    is "disable, activate, replicate" "" 0 "SELECT citus_disable_node('$net.2', $port)"
    until_is "synced" "0" 0 \
        "SELECT count(*) FROM pg_dist_node WHERE isactive AND NOT metadatasynced"
    is "" "t" 0 "SELECT citus_activate_node('$net.2', $port) > 0" "SELECT replicate_reference_tables()"
    is "write again" "3" 0 "INSERT INTO r VALUES (4, 'd')" "SELECT count(*) FROM r"
    is "there too" "3" 2 "SELECT count(*) FROM r"
}

test_daemon() {
    log "daemon and frozen peer"
    until_is "runs" "1" 0 \
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^Citus Maintenance Daemon: [0-9]+/10\$'"
    until_is "asks its peers" "t" 1 \
        "SELECT count(*) > 1 FROM pg_stat_activity WHERE application_name LIKE 'citus_internal gpid=%'"
    local before=$SECONDS
    stop 0 fast
    check "fast shutdown with healthy peers" "t" "$([ $((SECONDS - before)) -lt 5 ] && echo t)"
    start 0
    is "" "1" 0 "SELECT 1"
    until_is "asks again" "t" 1 \
        "SELECT count(*) > 1 FROM pg_stat_activity WHERE application_name LIKE 'citus_internal gpid=%'"
    is "quieted" "" 0 "ALTER SYSTEM SET citus.distributed_deadlock_detection_factor = -1" \
        "ALTER SYSTEM SET citus.recover_2pc_interval = -1" \
        "ALTER SYSTEM SET citus.defer_shard_delete_interval = -1"
    is "" "t" 0 "SELECT pg_reload_conf()"
    # A question that is under way is over by then.
    sleep 3
    signal_node STOP 1
    check "fast shutdown of a quieted node" "ends" \
        "$(stop 0 fast 8 >/dev/null 2>&1 && echo ends || echo hangs)"
    signal_node CONT 1
    as_server rm "$work/0/postgresql.auto.conf"
    start 0
    is "" "1" 0 "SELECT 1"
    until_is "asks once more" "t" 1 \
        "SELECT count(*) > 1 FROM pg_stat_activity WHERE application_name LIKE 'citus_internal gpid=%'"
    signal_node STOP 1
    is "connection to a frozen peer" "WARNING 01000: could not establish connection after 1000 ms;WARNING 08006: connection to the remote node postgres@NET.1:$port failed;f" 0 \
        "SET citus.node_connection_timeout = '1s'" \
        "SELECT citus_check_connection_to_node('$net.1', $port)"
    is "add with a frozen peer" "WARNING 01000: could not establish connection after 1000 ms;ERROR 08006: connection to the remote node postgres@NET.1:$port failed" 0 \
        "SET citus.node_connection_timeout = '1s'" "SELECT citus_add_node('$net.3', $port)"
    is "statement_timeout ends the wait" \
        "ERROR 57014: canceling statement due to statement timeout" 0 \
        "SET statement_timeout = '1s'" "SELECT citus_add_node('$net.3', $port)"
    # It asks every 2 s: after 5 it waits for an answer.
    sleep 5
    check "fast shutdown with a frozen peer" "hangs" \
        "$(stop 0 fast 8 >/dev/null 2>&1 && echo ends || echo hangs)"
    before=$SECONDS
    stop 0 immediate
    check "immediate shutdown" "t" "$([ $((SECONDS - before)) -lt 5 ] && echo t)"
    signal_node CONT 1
    start 0
    as_admin "after the crash" "3" 0 "SELECT count(*) FROM r"
    is "no rest" "0" 1 "SELECT count(*) FROM pg_prepared_xacts"
}

if [ $# -gt 0 ]; then
    bin=$1
else
    bin=$("$here/install.sh" "$work/tree" | tail -n 1)
fi
prepare
test_preload
for n in $nodes; do
    start "$n"
    check "set-up" "" "$(sql "$n" postgres postgres \
        "CREATE ROLE admin LOGIN CREATEDB PASSWORD 'secret'" "CREATE DATABASE citusdb OWNER admin")"
    [ "$n" = 3 ] || check "set-up" "" "$(sql "$n" citusdb postgres "CREATE EXTENSION citus")"
done
for part in ${SELFTEST_PARTS:-settings signatures forming refusals unfit_nodes single_node foreign_node roles commands \
    tables dead_member disable replaced_node daemon}; do
    "test_$part"
done
log "$checks checks, $failures failed"
[ "$failures" = 0 ]
