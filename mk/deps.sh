#!/bin/sh
# Installs the Debian packages that are missing, and says nothing when none is.
#
#   mk/deps.sh build    what "make local" needs: compiler, libraries, PostgreSQL
#   mk/deps.sh test     what "make check" needs besides
#   mk/deps.sh engine   a Docker engine, and what the container tests make their images from
#
# As root, or with sudo. On a system without dpkg it installs nothing: the list below is then a
# list of what to have.
set -eu

# MAJOR is that of libpq-dev: the programs are linked with libpq and with parts of the server's
# libraries, which must be of one version.
build="gcc make git libc6-dev binutils libpq-dev postgresql-server-dev-MAJOR libevent-dev
	libjansson-dev libinih-dev libyaml-dev libssl-dev libkrb5-dev zlib1g-dev libzstd-dev
	postgresql-MAJOR"
test="check libsubunit-dev python3-pytest python3-pytest-xdist python3-psycopg clang
	libclang-rt-dev iproute2 util-linux procps libnss-wrapper valgrind cppcheck clang-tidy
	shellcheck clang-format"

# kubectl renders the manifests; one from elsewhere does too, and stands in Debian's way.
command -v kubectl >/dev/null || test="$test kubernetes-client"

engine="debootstrap ca-certificates iptables"

# Docker's own packages would be removed by Debian's.
command -v dockerd >/dev/null || engine="$engine docker.io"
docker compose version >/dev/null 2>&1 || engine="$engine docker-compose"

case ${1-} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
engine) wanted=$engine ;;
*)
	echo "usage: mk/deps.sh build|test|engine" >&2
	exit 64
	;;
esac

command -v dpkg-query >/dev/null || exit 0

status_of() {
	dpkg-query -W -f "\${db:Status-Status} \${Version}" "$1" 2>/dev/null
}

# The missing ones of $wanted; of libpq-dev $1 is the version.
find_missing() {
	missing=
	for package in $(echo "$wanted" | sed "s/MAJOR/${1%%.*}/g"); do
		case $(status_of "$package") in
		"installed "*) ;;
		*) missing="$missing $package" ;;
		esac
	done
}

libpq=$(status_of libpq-dev | sed -n 's/^installed //p')
find_missing "${libpq:-MAJOR}"
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "these packages are missing; install them as root (MAJOR is that of libpq-dev):" >&2
		echo "  apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
	as_root=sudo
fi

# The package would make and start a server on port 5432, which nobody here asks for.
conf=/etc/postgresql-common/createcluster.conf
if [ ! -e $conf ]; then
	$as_root mkdir -p ${conf%/*}
	echo "create_main_cluster = false" | $as_root tee $conf >/dev/null
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1 </dev/null && return
	cat "$log" >&2
	echo "apt-get $* failed: its words are above" >&2
	exit 1
}
run update
# Only now apt knows which version it would install.
find_missing "${libpq:-$(apt-cache show --no-all-versions libpq-dev | sed -n 's/^Version: //p')}"
echo "installing:$missing" >&2
# shellcheck disable=SC2086 # a list of words
run install -y --no-install-recommends $missing
