#!/bin/sh
# The role that serves. It owns nothing: `lineal migrate` gives it what it needs, which on the ledger is reading and adding.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$LINEAL_APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE lineal_app LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE lineal TO lineal_app;
SQL
