#!/bin/sh
# Shows that the cluster of docker-compose.yml works on this machine: it is started with passwords
# and volumes of its own, gets a distributed table, loses each node in turn, and is removed.
#
#   sh docker/smoke.sh
#
# CITUS_IMAGE is the image (built when it is missing), CITUS_PORT the port to publish,
# COMPOSE_PROJECT_NAME the project: one that does not exist, for it is removed at the end.
# As root on the engine's machine it also kills each PID 1 from outside of the engine.
set -eu

cd "$(dirname "$0")"
rows=1000
nodes="citus-0 citus-1 citus-2"

if docker compose version >/dev/null 2>&1; then
	tool="docker compose"
else
	tool=docker-compose
fi

CITUS_SECRETS=$(mktemp -d)
export CITUS_SECRETS
sh ./secrets.sh "$CITUS_SECRETS"
project=${COMPOSE_PROJECT_NAME:-citus-init-smoke-$$}

compose() {
	# shellcheck disable=SC2086 # two words
	$tool -p "$project" -f docker-compose.yml "$@"
}

finish() {
	status=$?
	trap - EXIT
	[ "$status" = 0 ] || compose logs --tail 30 >&2 || true
	compose down -v >/dev/null 2>&1 || true
	rm -rf "$CITUS_SECRETS"
	exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# By its labels, which both tools set: stopped ones too.
id_of() {
	docker ps -aq --filter "label=com.docker.compose.project=$project" \
		--filter "label=com.docker.compose.service=$1"
}

# As admin, with a password, over the network: as a client does it.
# shellcheck disable=SC2016 # the container's shell expands it
sql() {
	docker exec "$(id_of citus-0)" sh -c \
		'PGPASSWORD=$(cat /run/secrets/adminpass) psql -X -q -At -v ON_ERROR_STOP=1 \
			-h citus-0 -U admin -d citusdb -c "$1"' sh "$1"
}

wait_for() {
	what=$1
	shift
	for _ in $(seq 240); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.5
	done
	echo "smoke.sh: $what: not within two minutes" >&2
	exit 1
}

is_ready() {
	docker exec "$(id_of "$1")" /usr/bin/citus-init probe
}

# As the engine sees it, which asks every few seconds only.
is_healthy() {
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$(id_of "$1")")" = healthy ]
}

all_rows_are_there() {
	[ "$(sql "select count(*) from visits")" = "$rows" ]
}

# is_ready or is_healthy
wait_for_nodes() {
	for each in $nodes; do
		wait_for "$each $1" "$1" "$each"
	done
}

wait_for_cluster() {
	wait_for_nodes is_ready
	wait_for "all $rows rows are there" all_rows_are_there
}

is_another_start() {
	[ "$(docker inspect -f '{{.State.StartedAt}}' "$(id_of "$1")")" != "$2" ]
}

echo "starting three nodes with $tool"
compose up -d
wait_for_nodes is_healthy

echo "a distributed table with $rows rows"
sql "create table visits (customer bigint, page text)"
sql "select create_distributed_table('visits', 'customer')" >/dev/null
sql "insert into visits select n, 'start' from generate_series(1, $rows) as n"
wait_for_cluster

for node in $nodes; do
	echo "$node: postgres is killed, and restarted in place"
	# shellcheck disable=SC2016 # the container's shell expands it
	docker exec "$(id_of "$node")" sh -c 'kill -9 "$(head -n 1 /pgdata/data/postmaster.pid)"'
	wait_for_cluster
	pid=$(docker inspect -f '{{.State.Pid}}' "$(id_of "$node")")
	if [ "$(id -u)" = 0 ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = citus-init ]; then
		echo "$node: PID 1 is killed, and the engine starts it again"
		started=$(docker inspect -f '{{.State.StartedAt}}' "$(id_of "$node")")
		kill -9 "$pid"
		wait_for "$node is started again" is_another_start "$node" "$started"
		wait_for_cluster
	fi
	echo "$node: the container is removed, and \"up -d\" makes it again on its volume"
	docker rm -f "$(id_of "$node")" >/dev/null
	compose up -d
	wait_for_cluster
done

wait_for_nodes is_healthy
echo "$tool stop"
compose stop
for node in $nodes; do
	code=$(docker inspect -f '{{.State.ExitCode}}' "$(id_of "$node")")
	[ "$code" = 0 ] || {
		echo "smoke.sh: $node ended with $code, no clean stop" >&2
		exit 1
	}
done
echo "all is well"
