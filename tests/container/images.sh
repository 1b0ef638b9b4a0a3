#!/bin/sh
# Builds the image under test on a local base, without a registry, and says on two lines
#
#   image=citus-init-test/image:stand-in
#   citus=stand-in                          (or: real)
#
# CITUS_INIT_POSTGRES_BIN_DIR names a PostgreSQL 15 with the real Citus, built for Debian 12, which
# then goes into the base; without it the base has the stand-in.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
export DOCKER_BUILDKIT=0 # the builder that every engine has

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debian=$("$here/debian.sh" citus-init-test/debian)

build() {
	docker build "$@" >"$work/log" 2>&1 || {
		tail -n 60 "$work/log" >&2
		echo "images.sh: an image could not be built: the words are above" >&2
		exit 1
	}
}

bin=${CITUS_INIT_POSTGRES_BIN_DIR-}
if [ -n "$bin" ]; then
	citus=real
	major=$(basename "$(dirname "$bin")")
	mkdir -p "$work/context/lib" "$work/context/share"
	cp -RL "$bin/.." "$work/context/lib/$major"
	cp -RL "${bin%/lib/postgresql/*}/share/postgresql/$major" "$work/context/share/$major"
	context=$work/context
else
	citus=stand-in
	context=$root/tests/citus-standin
fi
base=citus-init-test/base:$citus
build -t "$base" --build-arg "DEBIAN=$debian" -f "$here/$(echo $citus | tr -d -).Dockerfile" \
	"$context"

image=citus-init-test/image:$citus
build -t "$image" --build-arg "BUILD_IMAGE=$debian" --build-arg "BASE_IMAGE=$base" \
	--build-arg VERSION=test -f "$root/docker/Dockerfile" "$root"

printf 'image=%s\ncitus=%s\n' "$image" "$citus"
