#!/bin/sh
# Makes a tree of the Debian that has PostgreSQL MAJOR, with its security updates: what the build of
# citus-init needs, PostgreSQL with its headers, and what the cluster tests need. The images are
# built on it, and check-cluster-17 runs in it. No registry is asked, only Debian's mirrors. As
# root; wants debootstrap.
#
#   tests/container/debian.sh MAJOR     15 or 17; the tree's directory is printed
#
# The tree is kept, and not made again while nothing changes of which it is made. Nobody writes into
# it. It is built beside its place and renamed, so a run that is killed leaves it whole or not at
# all. CITUS_INIT_TREES is the directory of all trees.
set -eu

major=${1-}
case $major in
15) release=bookworm ;;
17) release=trixie ;;
*)
	echo "usage: debian.sh 15|17" >&2
	exit 64
	;;
esac

here=$(cd "$(dirname "$0")" && pwd)
deps=$here/../../mk/deps.sh
trees=${CITUS_INIT_TREES:-/var/cache/citus-init-trees}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org}
# Of deps.sh only the list that is installed: the others do not make the tree another one.
tree=$trees/postgresql-$major-$({
	cat "$0"
	sed -n '/^build="/,/"$/p' "$deps"
} | cksum | cut -d ' ' -f 1)

umask 022
mkdir -p "$trees"
if [ "$(stat -c %u:%a "$trees")" != 0:755 ]; then
	echo "debian.sh: $trees is not root's alone, and programs of the trees are run by root" >&2
	exit 1
fi
# One at a time: two would build in the same place.
exec 9>"$trees/postgresql-$major.lock"
flock 9
if [ -d "$tree" ]; then
	echo "$tree"
	exit 0
fi

new=$tree.new
log=$(mktemp)
# What a killed run has left, too. The trees of other versions of these files may be in use.
clean() {
	rm -rf --one-file-system "$new" "$log"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP
rm -rf --one-file-system "$new"
echo "making $tree, which takes some minutes" >&2

make_tree() {
	# Two stages, for between them dpkg learns what only a throw-away tree may do: not to sync, and
	# to leave out what nobody reads. A mount namespace, since debootstrap mounts /proc in the tree.
	debootstrap --foreign --variant=minbase --include=ca-certificates "$release" "$new" \
		"$mirror/debian"
	mkdir -p "$new/etc/dpkg/dpkg.cfg.d"
	cat >"$new/etc/dpkg/dpkg.cfg.d/citus-init-test" <<-END
		force-unsafe-io
		path-exclude=/usr/share/doc/*
		path-exclude=/usr/share/locale/*
		path-exclude=/usr/share/man/*
	END
	unshare --mount chroot "$new" /debootstrap/debootstrap --second-stage
	cat >"$new/etc/apt/sources.list" <<-END
		deb $mirror/debian $release main
		deb $mirror/debian-security $release-security main
	END
	# Nothing is started in there.
	printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
	chmod 755 "$new/usr/sbin/policy-rc.d"
	chroot "$new" apt-get -qq update
	chroot "$new" apt-get -qq -y upgrade
	cp "$deps" "$new/deps.sh"
	chroot "$new" sh /deps.sh build
	chroot "$new" apt-get -qq -y --no-install-recommends install libnss-wrapper python3-pytest \
		python3-psycopg
	test -x "$new/usr/lib/postgresql/$major/bin/postgres"
	rm -rf "$new/deps.sh" "$new"/var/cache/apt/*.bin "$new"/var/cache/apt/archives/*.deb \
		"$new"/var/lib/apt/lists/*
}
# A shell of its own: "set -e" counts for nothing within a condition.
export DEBIAN_FRONTEND=noninteractive
set +e
(
	set -e
	make_tree
) >"$log" 2>&1 </dev/null 9>&-
status=$?
set -e
if [ $status != 0 ]; then
	tail -n 60 "$log" >&2
	echo "debian.sh: $tree could not be made: the words are above" >&2
	exit 1
fi
mv "$new" "$tree"
echo "$tree"
