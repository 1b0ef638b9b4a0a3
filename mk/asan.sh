#!/bin/sh
# Runs a command whose programs have sanitizers, and fails when one of them had something to say:
# an agent that ends by a report is replaced, so its test may pass all the same.
set -u
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports" # root's nodes run as another user
ASAN_OPTIONS=log_path=$reports/asan UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1 "$@"
status=$?
for report in "$reports"/*; do
	[ -e "$report" ] || continue
	cat "$report"
	status=1
done
[ $status -ne 0 ] || echo "no sanitizer had anything to say"
exit $status
