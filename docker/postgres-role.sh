#!/bin/sh
# Runs once, when PostgreSQL creates its database: gives the service a role that is no superuser, so that row-level
# security applies to it, and takes the superuser's password away, so that it can be used inside the container only.
set -eu
psql --no-password --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE gradclinic LOGIN NOSUPERUSER PASSWORD :'password';
ALTER DATABASE gradclinic OWNER TO gradclinic;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
