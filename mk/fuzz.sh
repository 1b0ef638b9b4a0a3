#!/bin/sh
# Fuzzes one target: fuzz.sh BUILD TARGET SECONDS. New inputs are kept in the build directory; an
# input that crashes is left there and shown.
set -eu
build=$1
target=$2
seconds=$3
found=$build/corpus/$target
known=tests/fuzz/corpus/$target
[ -d "$known" ] || known=
mkdir -p "$found"
log=$build/$target.log
printf 'fuzz %-10s %s s ' "$target" "$seconds"
if "$build/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 \
	-artifact_prefix="$build/$target-" "$found" ${known:+"$known"} >"$log" 2>&1; then
	sed -n 's/^Done \([0-9]*\) runs.*/\1 runs, nothing found/p' "$log"
else
	echo "FAILED"
	tail -n 40 "$log"
	exit 1
fi
