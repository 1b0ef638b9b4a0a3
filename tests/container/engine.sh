#!/bin/sh
# A Docker engine for the container tests, on a machine where none runs; where one answers, that is
# taken. As root.
#
#   eval "$(tests/container/engine.sh start)"    starts it and sets DOCKER_HOST
#   eval "$(tests/container/engine.sh answers)"  fails where none answers, else sets DOCKER_HOST
#   tests/container/engine.sh stop               ends its containers and the engine itself
#
# It has a socket, a directory and a pid of its own, and keeps its images between two runs.
set -eu

run=/run/citus-init-engine
data=${ENGINE_DATA:-/var/lib/citus-init-engine}

docker_answers() {
	docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# Sets DOCKER_HOST where it is our own engine that answers.
find_engine() {
	! docker_answers || return 0
	export DOCKER_HOST="unix://$run/docker.sock"
	docker_answers
}

print_variables() {
	[ -z "${DOCKER_HOST-}" ] || echo "export DOCKER_HOST=$DOCKER_HOST"
}

answers() {
	find_engine || exit 1
	print_variables
}

# This system's own "true" in a container without a file: an engine may start where no container
# can, for want of control groups or namespaces.
runs_containers() {
	tar -c -T /dev/null | docker import - citus-init-test/empty >/dev/null &&
		docker run --rm -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro \
			citus-init-test/empty /usr/bin/true
}

fail() {
	echo "engine.sh: $*" >&2
	exit 1
}

start() {
	if ! find_engine; then
		[ "$(id -u)" -eq 0 ] || fail "only root can start a Docker engine"
		command -v dockerd >/dev/null ||
			fail "there is no dockerd; \"sh mk/deps.sh engine\" installs one"
		mkdir -p "$run" "$data"
		# Files, for the engine must not hold whoever reads our output.
		setsid dockerd --data-root "$data" --exec-root "$run/exec" --pidfile "$run/pid" \
			--host "$DOCKER_HOST" >"$run/log" 2>&1 </dev/null &
		for _ in $(seq 300); do
			! docker_answers || break
			kill -0 $! 2>/dev/null || break
			sleep 0.1
		done
		docker_answers || {
			grep -v level=info "$run/log" | tail -n 20 >&2
			stop
			fail "the Docker engine did not start: its log is above"
		}
		runs_containers >&2 || {
			stop
			fail "the Docker engine starts, but runs no container: its words are above"
		}
	fi
	print_variables
}

# The pid may be another's by now.
is_running() {
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

stop() {
	[ -e "$run/pid" ] || return 0
	pid=$(cat "$run/pid")
	is_running || return 0
	export DOCKER_HOST="unix://$run/docker.sock"
	# shellcheck disable=SC2046 # a list of ids
	! docker_answers || [ -z "$(docker ps -q)" ] || docker kill $(docker ps -q) >/dev/null
	kill "$pid"
	for _ in $(seq 300); do
		is_running || return 0
		sleep 0.1
	done
	fail "the Docker engine (pid $pid) did not end within 30 s"
}

case ${1-} in
start | answers | stop) "$1" ;;
*)
	echo "usage: engine.sh start|answers|stop" >&2
	exit 64
	;;
esac
