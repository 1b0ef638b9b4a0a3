#!/bin/bash
# For tests only: makes a private copy of the system's PostgreSQL with the stand-in for Citus.
#
#   tests/citus-standin/install.sh DEST
#
# DEST becomes a tree with lib/postgresql/N and share/postgresql/N, which PostgreSQL finds from
# the place of its own executables; the system's PostgreSQL is only read. The executables are
# copies, since a symlink would lead PostgreSQL back home; what it never resolves is linked. A tree
# that is up to date is left alone. A new one is built beside it and takes its place at the end, so
# a run that is killed leaves the old tree or none.
#
# The last line of stdout is the directory of the executables.
set -eu

die() {
    echo "install.sh: $*" >&2
    exit 1
}

if [ $# -ne 1 ] || [ -z "$1" ]; then
    die "usage: install.sh DEST"
fi

source_dir=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$1")"
dest=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

# One at a time: two would build in the same place.
exec 9>"$dest.lock"
flock 9

# The major version whose server headers are here; of several, the highest.
major=
for n in 15 16 17 18; do
    config=/usr/lib/postgresql/$n/bin/pg_config
    if [ -x "$config" ] && [ -x "/usr/lib/postgresql/$n/bin/postgres" ] &&
        [ -f "$("$config" --includedir-server)/postgres.h" ]; then
        major=$n
    fi
done
[ -n "$major" ] ||
    die "no PostgreSQL 15 to 18 with headers: install postgresql-N and postgresql-server-dev-N"

system_lib=/usr/lib/postgresql/$major
system_share=/usr/share/postgresql/$major
bin_dir=$dest/lib/postgresql/$major/bin

stamp=$(
    "$system_lib/bin/postgres" --version
    cd "$source_dir"
    find . -type f ! -name selftest.sh ! -name README.md -print0 | sort -z | xargs -0 sha256sum
)
if [ -f "$dest/stamp" ] && [ "$stamp" = "$(cat "$dest/stamp")" ]; then
    echo "$bin_dir"
    exit 0
fi

umask 022
new=$dest.new
rm -rf "$new"
lib=$new/lib/postgresql/$major
share=$new/share/postgresql/$major
mkdir -p "$lib/bin" "$lib/lib" "$share/extension" "$new/build"

for file in "$system_lib"/bin/*; do
    cp -P "$file" "$lib/bin/"
done
for file in "$system_lib"/lib/*; do
    ln -s "$file" "$lib/lib/"
done
for file in "$system_share"/*; do
    [ "${file##*/}" = extension ] || ln -s "$file" "$share/"
done
for file in "$system_share"/extension/*; do
    ln -s "$file" "$share/extension/"
done

cp -R "$source_dir/." "$new/build/"
(
    cd "$new/build"
    make -s with_llvm=no PG_CONFIG="$system_lib/bin/pg_config"
    install -m 755 citus.so "$lib/lib/citus.so"
    install -m 644 citus.control citus--*.sql "$share/extension/"
) >&2

echo "$stamp" >"$new/stamp"
chmod -R a+rX "$new"
rm -rf "$dest.old"
[ ! -e "$dest" ] || mv "$dest" "$dest.old"
mv "$new" "$dest"
rm -rf "$dest.old"
echo "$bin_dir"
