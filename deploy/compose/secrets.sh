#!/bin/sh
# Makes .env for compose.yaml, with passwords at random: `deploy/compose/secrets.sh`. Once: others would not fit the database.
set -eu
cd "$(dirname "$0")/../.."
if [ -e .env ]; then
  echo "There is an .env already, and its passwords are those of the database that was made with it. Nothing was changed." >&2
  exit 1
fi
umask 077
for name in LINEAL_OWNER_PASSWORD LINEAL_APP_PASSWORD LINEAL_REDIS_PASSWORD LINEAL_STORE_SECRET; do
  echo "$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
done > .env.new
mv .env.new .env
echo "Made .env. Next: docker compose up --detach --wait"
