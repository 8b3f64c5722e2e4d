#!/bin/sh
# The server takes the database's password from its environment only; here it comes from a secret file.
set -eu

POSTGRES_PWD=$(cat /run/secrets/postgres_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
