#!/usr/bin/env bash
# Installs what the tests need beyond Go and a C compiler: a browser, for the test that plays the customer on the
# sandbox's page. Uses Debian's own package, and only as root; everywhere else it is for you to install one. A browser
# that cannot be installed is no failure here: the test that needs it has the last word.
set -euo pipefail

for browser in chromium chromium-browser google-chrome google-chrome-stable headless_shell headless-shell chrome; do
	if command -v "$browser" >/dev/null; then
		exit 0
	fi
done

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
	echo "test packages: no browser found, and it takes root and apt-get to install one here." \
		"Install chromium for the browser test."
	exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo "test packages: no browser found; installing Debian's chromium for the browser test (apt-get, about a minute)."
if apt-get update >"$log" 2>&1 &&
	apt-get install --yes --no-install-recommends chromium >>"$log" 2>&1; then
	echo "test packages: installed $(command -v chromium)."
else
	echo "test packages: chromium could not be installed; the last lines of apt-get:" >&2
	tail -n 5 "$log" >&2
fi
