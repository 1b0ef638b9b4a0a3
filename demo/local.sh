#!/bin/sh
# What "make local" runs: three nodes on this machine and a tour through them, until Ctrl-C. The
# directory of PostgreSQL's programs is a setting of citus-init like any other.
set -eu
cd "$(dirname "$0")/.."

chosen=$(tests/lib/choose-postgres.sh)
CITUS_INIT_POSTGRES_BIN_DIR=$(echo "$chosen" | sed -n 's/^bin_dir=//p')
PATH=$CITUS_INIT_POSTGRES_BIN_DIR:$PATH
CITUS_INIT=${CITUS_INIT:-build/citus-init}
export CITUS_INIT_POSTGRES_BIN_DIR CITUS_INIT PATH

exec "$CITUS_INIT" local --nodes "${NODES:-3}" -- demo/tour.sh
