#!/bin/sh
# Runs a command in the tree of debian.sh, in the directory of this project. As root.
#
#   tests/container/in-tree.sh MAJOR COMMAND [ARGUMENT...]
#
# The tree has the real Citus where real-citus.sh finds one for this major. It is not changed: what
# the command writes goes to memory, and the project is read-only. Processes, mounts and network
# are in namespaces of their own, so nothing of them is left when the command ends, however it does.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ "${1-}" != --inside ]; then
	tree=$("$here/debian.sh" "$1")
	# unshare ignores SIGTERM and SIGINT. When this shell ends the kernel kills unshare, with it
	# process 1 of the namespace, and with that all others.
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --net --ipc \
		"$0" --inside "$tree" "$@" &
	wait $!
	exit
fi

shift
tree=$1
major=$2
shift 2
ip link set lo up
mnt=${tree%/*}/mnt
mkdir -p "$mnt"
mount -t tmpfs -o mode=755 tmpfs "$mnt"
mkdir "$mnt/upper" "$mnt/work" "$mnt/root"
"$here/real-citus.sh" "$major" "$tree" "$mnt/citus"
layers=$tree
[ ! -e "$mnt/citus" ] || layers=$mnt/citus:$tree
mount -t overlay -o "lowerdir=$layers,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$mnt/root"
cd "$mnt/root"
mkdir -p "./$root"
mount --bind "$root" "./$root"
mount -o remount,bind,ro "./$root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs dev/shm
ldconfig -r .
# No "exec": as process 1 of the namespace this shell reaps orphans, which the command need not do.
env -u CITUS_INIT_POSTGRES_BIN_DIR PYTHONDONTWRITEBYTECODE=1 \
	chroot . env --chdir="$root" "$@"
