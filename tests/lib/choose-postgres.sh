#!/bin/sh
# Says which PostgreSQL the tests and the demo run on, in two lines:
#
#   bin_dir=/usr/lib/postgresql/15/bin
#   citus=real                          (or: stand-in)
#
# CITUS_INIT_POSTGRES_BIN_DIR decides when it is set. Else the newest PostgreSQL of the system with
# the real Citus; where there is none, a private copy of PostgreSQL with the stand-in for Citus,
# made when needed, and a line on stderr that says so.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)

# The control file of the extension citus for the programs in $1.
control_of() {
	if [ -x "$1/pg_config" ]; then
		share=$("$1/pg_config" --sharedir)
	else # Debian's layout
		share=${1%/lib/postgresql/*}/share/postgresql/$(basename "$(dirname "$1")")
	fi
	echo "$share/extension/citus.control"
}

answer() {
	kind=real
	! grep -q 'stand-in for Citus' "$(control_of "$1")" || kind=stand-in
	printf 'bin_dir=%s\ncitus=%s\n' "$1" "$kind"
	exit 0
}

if [ -n "${CITUS_INIT_POSTGRES_BIN_DIR-}" ]; then
	[ -e "$(control_of "$CITUS_INIT_POSTGRES_BIN_DIR")" ] || {
		echo "CITUS_INIT_POSTGRES_BIN_DIR: there is no extension citus for the PostgreSQL in" \
			"$CITUS_INIT_POSTGRES_BIN_DIR" >&2
		exit 1
	}
	answer "$CITUS_INIT_POSTGRES_BIN_DIR"
fi

for major in 18 17 16 15; do
	bin=/usr/lib/postgresql/$major/bin
	[ ! -x $bin/postgres ] || [ ! -e "$(control_of $bin)" ] || answer $bin
done

# Where root's nodes, which run as postgres, can reach it; a directory for each user and checkout.
# Nobody else's directory is used: what lies in it is run.
dest=/var/tmp/citus-init-standin-$(id -u)-$(echo "$root" | cksum | cut -d ' ' -f 1)
if [ -e "$dest" ] && [ "$(stat -c %u "$dest")" != "$(id -u)" ]; then
	echo "\"$dest\" belongs to somebody else: remove it" >&2
	exit 1
fi
said=$("$root/tests/citus-standin/install.sh" "$dest")
bin=$(echo "$said" | tail -n 1)
echo "the real Citus is missing (no citus.control below /usr/share/postgresql/*/extension):" \
	"this runs on its stand-in, which is for tests only" >&2
answer "$bin"
