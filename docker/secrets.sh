#!/bin/sh
# Makes the three passwords of docker-compose.yml, random ones, in docker/secrets or the directory
# named; those that are there already stay.
#
# The engine mounts the files as they are, and the node's user is none of this machine's: so the
# files are readable, and the directory is closed.
set -eu
directory=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$directory"
chmod 700 "$directory"
for name in superpass adminpass reppass; do
	file=$directory/$name
	[ ! -e "$file" ] || continue
	od -An -N 24 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
	chmod 444 "$file.new"
	mv "$file.new" "$file"
done
