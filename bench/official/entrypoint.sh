#!/bin/bash
# The first start as docker-entrypoint.sh of the official postgres image does it, which the Citus
# image takes over: the same commands in the same order, without the branches that are not taken
# here (other users, other authentication, scripts and archives in initdb.d).
set -eu

process_sql() {
	psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username postgres "$@"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	mkdir -p "$PGDATA"
	chmod 700 "$PGDATA"

	# shellcheck disable=SC2086 # a list of words
	initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
		$POSTGRES_INITDB_ARGS
	auth=$(postgres -C password_encryption)
	printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"

	export PGPASSWORD=$POSTGRES_PASSWORD
	NOTIFY_SOCKET='' PGUSER=postgres pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" \
		-w start

	exists=$(process_sql --dbname postgres --set "db=$POSTGRES_DB" --tuples-only \
		<<<"SELECT 1 FROM pg_database WHERE datname = :'db';")
	if [ -z "$exists" ]; then
		process_sql --dbname postgres --set "db=$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
	fi
	for file in /docker-entrypoint-initdb.d/*.sql; do
		process_sql --dbname "$POSTGRES_DB" --file "$file"
	done

	PGUSER=postgres pg_ctl -D "$PGDATA" -m fast -w stop
	unset PGPASSWORD
fi

exec "$@"
