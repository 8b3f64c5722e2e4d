#!/usr/bin/env bash
# Installs what the tests need beyond Go and a C compiler: a browser, for the tests that look at pages, the programs of
# PostgreSQL, for the tests of the key store, which start a server of their own, and Node with npm, for the example of a
# backend in docs/receiving.md. Uses Debian's own packages, and only as root; everywhere else it is for you to install them.
# What cannot be installed is no failure here: the test that needs it has the last word.
set -euo pipefail

has_browser() {
	local browser
	for browser in chromium chromium-browser google-chrome google-chrome-stable headless_shell headless-shell chrome; do
		command -v "$browser" >/dev/null && return
	done
	return 1
}

has_postgresql() {
	command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

packages=()
has_browser || packages+=(chromium)
has_postgresql || packages+=(postgresql)
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
((${#packages[@]})) || exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
	echo "test packages: missing ${packages[*]}, and it takes root and apt-get to install them here." \
		"Install them for the tests that need them."
	exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo "test packages: installing Debian's ${packages[*]} (apt-get, about a minute)."
if apt-get update >"$log" 2>&1 &&
	apt-get install --yes --no-install-recommends "${packages[@]}" >>"$log" 2>&1; then
	echo "test packages: installed ${packages[*]}."
else
	echo "test packages: ${packages[*]} could not be installed; the last lines of apt-get:" >&2
	tail -n 5 "$log" >&2
fi
