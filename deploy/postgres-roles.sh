#!/bin/sh
# Runs once, when the database of docker-compose.yml is made: the login users, members of the group roles
# that migration 0001 grants to. The passwords are those in the address files of the secrets.
set -eu
password_of() { sed -n 's|^postgresql://[^:]*:\([^@]*\)@.*|\1|p' "/run/secrets/$1"; }
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set=api="$(password_of database_url)" --set=operator="$(password_of maintenance_database_url)" <<'SQL'
CREATE ROLE tovector_app NOLOGIN NOINHERIT;
CREATE ROLE tovector_maintenance NOLOGIN;
CREATE ROLE tovector_reports NOLOGIN;
GRANT tovector_reports TO tovector_app;
CREATE ROLE tovector_api LOGIN PASSWORD :'api' IN ROLE tovector_app;
CREATE ROLE tovector_operator LOGIN PASSWORD :'operator' IN ROLE tovector_maintenance;
SQL
