#!/bin/sh
# Builds the image under test with PostgreSQL MAJOR on a local base, without a registry, and says
#
#   image=citus-init-test/image:15-stand-in
#   base=citus-init-test/base:15-stand-in
#   citus=stand-in                          (or: real)
#
#   tests/container/images.sh MAJOR         15 or 17
#
# The base has the real Citus where real-citus.sh finds one for this major; else the stand-in.
set -eu

major=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
export DOCKER_BUILDKIT=0 # the builder that every engine has

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

tree=$("$here/debian.sh" "$major")
debian=citus-init-test/debian:$(basename "$tree")
docker image inspect "$debian" >/dev/null 2>&1 ||
	tar -C "$tree" --one-file-system -c . | docker import - "$debian" >/dev/null

build() {
	docker build "$@" >"$work/log" 2>&1 || {
		tail -n 60 "$work/log" >&2
		echo "images.sh: an image could not be built: the words are above" >&2
		exit 1
	}
}

context=$work/context
"$here/real-citus.sh" "$major" "$tree" "$context"
if [ -e "$context" ]; then
	citus=real
else
	citus=stand-in
	context=$root/tests/citus-standin
fi
base=citus-init-test/base:$major-$citus
build -t "$base" --build-arg "DEBIAN=$debian" -f "$here/$(echo $citus | tr -d -).Dockerfile" \
	"$context"

image=citus-init-test/image:$major-$citus
build -t "$image" --build-arg "BUILD_IMAGE=$debian" --build-arg "BASE_IMAGE=$base" \
	--build-arg VERSION=test -f "$root/docker/Dockerfile" "$root"

printf 'image=%s\nbase=%s\ncitus=%s\n' "$image" "$base" "$citus"
