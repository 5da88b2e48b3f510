#!/bin/sh
# Bring Temporal's two databases to the schema of this version of the server. Safe to repeat: a
# database that has the newest schema is left as it is.
set -eu

: "${POSTGRES_SEEDS:?the host of PostgreSQL}"
: "${POSTGRES_USER:?the database role that owns Temporal's databases}"
: "${SQL_PASSWORD:?the password of that role}"

schemas=${SCHEMAS:-/etc/temporal/schema/postgresql/v12}

for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  versions=$schemas/${pair#*:}/versioned
  set -- --plugin postgres12_pgx --endpoint "$POSTGRES_SEEDS" --port "${DB_PORT:-5432}" \
    --user "$POSTGRES_USER" --database "$database"
  temporal-sql-tool "$@" setup-schema --version 0.0
  temporal-sql-tool "$@" update-schema --schema-dir "$versions"
done
