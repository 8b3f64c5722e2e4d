#!/bin/sh
# Makes the secret files that docker-compose.yml mounts, with random values for one machine. A file that exists is kept,
# so that it can be run again and edited: put your own Ondato secret or mail server in place of what is made here.
#
#   deploy/make-dev-secrets.sh [DIRECTORY]      default: dev-secrets beside this script
set -eu

directory=${1:-$(dirname "$0")/dev-secrets}
umask 077
mkdir -p "$directory"
# Only the owner gets at the directory. The files themselves are readable by all, because the users inside the containers,
# to which they are mounted one by one, are others than their owner here.
chmod 700 "$directory"

hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
base64_bytes() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

keep() { # NAME VALUE
	file=$directory/$1
	if [ -e "$file" ]; then
		echo "kept  $file"
		return
	fi
	printf '%s\n' "$2" >"$file"
	chmod 444 "$file"
	echo "made  $file"
}

keep postgres_password "$(hex 24)"
keep keystore_password "$(hex 24)"
keep keystore_url "postgres://keys:$(cat "$directory/keystore_password")@keystore:5432/keys?sslmode=disable"
keep api_tokens "backend:$(hex 24)"
keep codec_tokens "operator:$(hex 24)"
keep grafana_password "$(hex 12)"
keep ondato_client_secret "$(hex 24)"
keep webhook_basic "ondato:$(hex 24)"
keep handoff_secrets "whsec_$(base64_bytes 32)"
# The mail catcher of the profile demo knows neither TLS nor passwords.
keep notify_smtp_url "smtp://mailcatcher:1025?starttls=none"
