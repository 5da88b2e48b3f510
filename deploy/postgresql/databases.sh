#!/bin/sh
# Make the roles and databases of Casework and of Temporal. The image runs this once, when its
# volume is empty. Each role owns its databases and cannot connect to the other's.
set -eu

: "${CASEWORK_DB_PASSWORD:?the password of the database role casework}"
: "${TEMPORAL_DB_PASSWORD:?the password of the database role temporal}"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  --set casework_password="$CASEWORK_DB_PASSWORD" \
  --set temporal_password="$TEMPORAL_DB_PASSWORD" \
  --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE casework LOGIN PASSWORD :'casework_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE casework OWNER casework TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE temporal OWNER temporal TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE temporal_visibility OWNER temporal TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE casework, temporal, temporal_visibility FROM PUBLIC;
SQL
