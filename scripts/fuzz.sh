#!/usr/bin/env bash
# Fuzzes each Fuzz target of the root module, one after the other. Usage: scripts/fuzz.sh DURATION (such as 30s)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
duration=${1:?"usage: scripts/fuzz.sh DURATION (such as 30s)"}

found=0
while IFS=: read -r file declaration; do
	name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' <<<"$declaration")
	package=$(dirname "$file")
	echo "fuzz: $name in $package for $duration"
	go test -run='^$' -fuzz="^$name\$" -fuzztime="$duration" "$package"
	found=$((found + 1))
done < <(grep -rE --include='*_test.go' --exclude-dir=dev --exclude-dir=tools '^func Fuzz[A-Za-z0-9_]*\(' . | sort)

if ((found == 0)); then
	echo "fuzz: no Fuzz target found" >&2
	exit 1
fi
echo "fuzz: $found targets, no failure. A failing input would lie in testdata/fuzz of its package: keep it, it is a test."
