#!/usr/bin/env bash
# Make the secrets that docker-compose.yml mounts, once: bash deploy/secrets.sh
set -euo pipefail
umask 077
directory="$(dirname "$0")/secrets"
mkdir -p "$directory"
if [ -e "$directory/postgres_password" ]; then
    echo "moat: $directory is there already; remove it to make new secrets (the database volume keeps the old password)"
    exit 0
fi
password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
printf '%s' "$password" > "$directory/postgres_password"
for service in scoring crisis notify; do
    printf 'postgresql://moat:%s@postgres:5432/moat_%s' "$password" "$service" > "$directory/${service}_database_url"
done
# The folder is closed to others; the files themselves must be readable by the account inside the containers.
chmod 644 "$directory"/*
echo "made $directory"
