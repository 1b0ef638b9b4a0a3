#!/bin/sh
# Runs a unit test program in one process under valgrind. Fails for an error, a leak, a failing
# test, and for a descriptor that the program opened and left open: of those valgrind itself only
# tells.
#
#   mk/valgrind.sh PROGRAM LOG
set -u
CK_FORK=no valgrind --quiet --log-file="$2" --child-silent-after-fork=yes --leak-check=full \
	--show-leak-kinds=definite,indirect,possible --track-fds=yes --error-exitcode=9 "$1"
status=$?
left=$(awk '/Open (file descriptor|AF_)/ { head = $0; getline
	if ($0 !~ /inherited from parent/) print head }' "$2")
if [ $status -ne 0 ] || [ -n "$left" ]; then
	cat "$2"
	exit 1
fi
echo "valgrind: no errors, no leaks, no descriptors left open"
