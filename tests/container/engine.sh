#!/bin/sh
# A Docker engine for the container tests, on a machine where none runs; where one answers, that is
# taken. As root.
#
#   eval "$(tests/container/engine.sh start)"    starts it and sets DOCKER_HOST
#   tests/container/engine.sh stop               ends its containers and the engine itself
#
# It has a socket, a directory and a pid of its own, and keeps its images between two runs.
set -eu

run=/run/citus-init-engine
data=${ENGINE_DATA:-/var/lib/citus-init-engine}

answers() {
	docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

start() {
	! answers || exit 0
	export DOCKER_HOST="unix://$run/docker.sock"
	if ! answers; then
		mkdir -p "$run" "$data"
		# Files, for the engine must not hold whoever reads our output.
		setsid dockerd --data-root "$data" --exec-root "$run/exec" --pidfile "$run/pid" \
			--host "$DOCKER_HOST" >"$run/log" 2>&1 </dev/null &
		for _ in $(seq 300); do
			! answers || break
			kill -0 $! 2>/dev/null || break
			sleep 0.1
		done
		answers || {
			tail -n 20 "$run/log" >&2
			echo "engine.sh: the Docker engine did not start: its log is above" >&2
			exit 1
		}
	fi
	echo "export DOCKER_HOST=$DOCKER_HOST"
}

stop() {
	[ -e "$run/pid" ] || return 0
	pid=$(cat "$run/pid")
	export DOCKER_HOST="unix://$run/docker.sock"
	# shellcheck disable=SC2046 # a list of ids
	! answers || [ -z "$(docker ps -q)" ] || docker kill $(docker ps -q) >/dev/null
	kill "$pid" 2>/dev/null || return 0
	for _ in $(seq 300); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "engine.sh: the Docker engine (pid $pid) did not end within 30 s" >&2
	exit 1
}

case ${1-} in
start | stop) "$1" ;;
*)
	echo "usage: engine.sh start|stop" >&2
	exit 64
	;;
esac
