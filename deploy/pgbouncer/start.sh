#!/bin/sh
# The two login users and their passwords are those in the address files of the secrets, which may end without a newline.
set -eu
umask 077
user_of() { { cat "/run/secrets/$1"; echo; } | sed -n 's|^postgresql://\([^:]*\):\([^@]*\)@.*|"\1" "\2"|p'; }
{ user_of database_url; user_of maintenance_database_url; } > /tmp/users.txt
exec pgbouncer /etc/tovector/pgbouncer.ini
