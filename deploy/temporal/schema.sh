#!/bin/sh
# Creates Temporal's two databases, or brings them to the schema of this server version. Safe to run again.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres_password)
export SQL_PASSWORD

for pair in temporal:temporal temporal_visibility:visibility; do
	database=${pair%%:*}
	schema=${pair#*:}
	temporal-sql-tool --db "$database" create-database
	temporal-sql-tool --db "$database" setup-schema --version 0.0
	temporal-sql-tool --db "$database" update-schema --schema-name "postgresql/v12/$schema"
done
echo "the schema is ready"
