#!/bin/sh
# Makes DEST what has to be laid over the tree of debian.sh to have the real Citus in it: its
# libraries and extension files, and in /usr/local/lib the libraries that it links to and the tree
# lacks. Where no real Citus is named for this major, it makes nothing.
#
#   tests/container/real-citus.sh MAJOR TREE DEST
#
# CITUS_INIT_POSTGRES_BIN_DIR names the programs of a PostgreSQL with it; CITUS_DESTDIR what
# "make install DESTDIR=..." of Citus has made, for one major or several.
set -eu

major=$1
tree=$2
dest=$3

has_citus() {
	[ -e "$1/lib/postgresql/$major/lib/citus.so" ] &&
		! grep -q 'stand-in for Citus' "$1/share/postgresql/$major/extension/citus.control"
}

prefix=
for candidate in "${CITUS_INIT_POSTGRES_BIN_DIR-}" "${CITUS_DESTDIR:+$CITUS_DESTDIR/usr}"; do
	candidate=${candidate%/lib/postgresql/*}
	[ -z "$candidate" ] || ! has_citus "$candidate" || prefix=$candidate
done
[ -n "$prefix" ] || exit 0

lib=usr/lib/postgresql/$major/lib
extension=usr/share/postgresql/$major/extension
mkdir -p "$dest/$lib" "$dest/$extension" "$dest/usr/local/lib"
cp -RL "$prefix/lib/postgresql/$major/lib"/citus* "$dest/$lib/"
cp -L "$prefix/share/postgresql/$major/extension"/citus* "$dest/$extension/"

# ldd names the libraries of libraries, too. Its exit status says only that a Citus made for
# another glibc would not start here.
chroot "$tree" ldconfig -p | awk 'NR > 1 { print $1 }' >"$dest/there"
ldd "$dest/$lib/citus.so" 2>/dev/null | sed -n 's/^\t\([^ ]*\) => \(.*\)/\1 \2/p' >"$dest/wanted" ||
	true
while read -r name path _; do
	! grep -Fqx "$name" "$dest/there" || continue
	[ -e "$path" ] || {
		echo "real-citus.sh: $prefix's citus.so links to $name, which is neither in $tree nor" \
			"found by ldd on this machine" >&2
		exit 1
	}
	cp -L "$path" "$dest/usr/local/lib/"
done <"$dest/wanted"
rm "$dest/there" "$dest/wanted"
