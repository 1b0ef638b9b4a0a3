#!/bin/sh
# Makes the image that the container tests build on: Debian 12 with its security updates, what the
# build of citus-init needs, PostgreSQL 15 and nss_wrapper. No registry is asked, only Debian's
# mirrors. An image that is there already is left alone. As root; wants debootstrap.
#
#   tests/container/debian.sh NAME      the image is NAME:<checksum of what made it>; it is printed
set -eu

name=$1
here=$(cd "$(dirname "$0")" && pwd)
deps=$here/../../mk/deps.sh
# Of deps.sh only the list that is installed: the others do not make the image another one.
image=$name:$({
	cat "$0"
	sed -n '/^build="/,/"$/p' "$deps"
} | cksum | cut -d ' ' -f 1)

if docker image inspect "$image" >/dev/null 2>&1; then
	echo "$image"
	exit 0
fi

mirror=${DEBIAN_MIRROR:-http://deb.debian.org}
work=$(mktemp -d /var/tmp/citus-init-debian-XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
root=$work/root

{
	debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror/debian"
	cat >"$root/etc/apt/sources.list" <<-END
		deb $mirror/debian bookworm main
		deb $mirror/debian-security bookworm-security main
	END
	# Nothing is started in there, and a tree that is thrown away on failure needs no fsync.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
	cp "$deps" "$root/deps.sh"
	chroot "$root" apt-get -qq update
	DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq -y upgrade
	chroot "$root" sh /deps.sh build
	DEBIAN_FRONTEND=noninteractive chroot "$root" \
		apt-get -qq -y --no-install-recommends install libnss-wrapper
	rm -rf "$root/deps.sh" "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
		"$root"/var/lib/apt/lists/* "$root/usr/share/doc" "$root/usr/share/locale"
} >"$work/log" 2>&1 </dev/null || {
	cat "$work/log" >&2
	echo "debian.sh: the tree for $image could not be made: the words are above" >&2
	exit 1
}
tar -C "$root" --one-file-system -c . | docker import - "$image" >/dev/null
echo "$image"
