#!/bin/bash
# Starts PostgreSQL as the upstream image does, by the same variables: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA.
# An empty volume is filled beside its place and renamed at the end: a pod killed while doing so begins again.
set -euo pipefail
: "${PGDATA:=/var/lib/postgresql/data/pgdata}" "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
# The root file system may be read-only; the folder for the socket is the one that can be written.
sockets=/var/run/postgresql
[ -w "$sockets" ] || sockets=/tmp

fill() {
  local new=$PGDATA.new
  if mountpoint -q "$PGDATA" 2>/dev/null; then
    echo "PGDATA=$PGDATA is the volume itself; name a folder inside of it, such as $PGDATA/pgdata." >&2
    exit 1
  fi
  : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD: a database without a password is open to the whole cluster}"
  rm -rf "$new" "$PGDATA"
  mkdir -p "$(dirname "$new")"
  initdb --pgdata "$new" --username "$POSTGRES_USER" --pwfile <(printf %s "$POSTGRES_PASSWORD") \
    --encoding UTF8 --locale C.UTF-8 --auth-local trust --auth-host scram-sha-256
  echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
  # Without the library of the just-in-time compiler, 110 MB, which short queries never pay back.
  printf "listen_addresses = '*'\njit = off\n" >>"$new/postgresql.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$POSTGRES_DB" | postgres --single -D "$new" postgres >/dev/null
  fi
  sync -f "$new"
  mv -T "$new" "$PGDATA"
}

[ "${1:-postgres}" = postgres ] || [ "${1#-}" != "$1" ] || exec "$@"
[ "${1:-}" != postgres ] || shift
[ -s "$PGDATA/PG_VERSION" ] || fill
exec postgres -D "$PGDATA" -c "unix_socket_directories=$sockets" "$@"
