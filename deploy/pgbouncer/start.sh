#!/bin/sh
# The two login users and their passwords are those in the address files of the secrets.
set -eu
umask 077
user_of() { sed -n 's|^postgresql://\([^:]*\):\([^@]*\)@.*|"\1" "\2"|p' "/run/secrets/$1"; }
{ user_of database_url; user_of maintenance_database_url; } > /tmp/users.txt
exec pgbouncer /etc/tovector/pgbouncer.ini
