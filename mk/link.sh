#!/bin/sh
# Links, and passes on the linker's words but for the warnings that a static glibc always gives
# for name look-ups: they work from /etc/hosts, resolv.conf and passwd without shared libraries.
# Any other warning is shown and fails the build.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$@" >"$log" 2>&1
status=$?
left=$(grep -vE "Using '[a-z_]+' in statically linked applications requires at runtime|in function |: in function|does not take linker garbage collection into account" "$log")
[ -z "$left" ] || { printf '%s\n' "$left" >&2; [ $status -ne 0 ] || status=1; }
exit $status
