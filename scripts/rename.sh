#!/usr/bin/env bash
# Gives the project another module path: root, dev/ and tools/, and every import of one of our packages in Go files and
# in the Go examples of the documentation. Nothing but module lines and import lines is touched.
# Usage: scripts/rename.sh MODULE (such as example.com/x/kyc)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

new=${1:-}
if [[ ! $new =~ ^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$ ]]; then
	problem=missing
	[[ -z $new ]] || problem="\"$new\", which is no module path"
	echo "rename: MODULE is $problem; give one, such as make rename MODULE=example.com/x/kyc" >&2
	exit 2
fi
old=$(awk '$1 == "module" { print $2; exit }' go.mod)
if [[ $old == "$new" ]]; then
	echo "rename: the module path is $new already; nothing to do."
	exit 0
fi

go mod edit -module="$new" go.mod
go mod edit -module="$new/tools" tools/go.mod
pattern=${old//./\\.}
go mod edit -module="$new/dev" dev/go.mod
sed -i -E "s#^([[:blank:]]+|require |replace )$pattern( v0\.0\.0| => \.\./)\$#\1$new\2#" dev/go.mod

# An import line is: import (if alone), a name (if any), the path, a comment (if any).
line="^((import[[:blank:]]+|[[:blank:]]+)([A-Za-z0-9_.]+[[:blank:]]+)?\")$pattern((/[^\"[:blank:]]*)?\"[[:blank:]]*(//.*)?)\$"
changed=0
while IFS= read -r -d '' file; do
	if grep -qE "$line" "$file"; then
		sed -i -E "s#$line#\\1$new\\4#" "$file"
		if [[ $file == *.go ]]; then
			gofmt -w "$file" # imports are sorted by path
		fi
		changed=$((changed + 1))
	fi
done < <(find . \( -name '.?*' -o -path ./bin \) -prune -o -type f \( -name '*.go' -o -name '*.md' \) -print0)

echo "rename: $old is now $new in go.mod, dev/go.mod, tools/go.mod and the imports of $changed files."
if mentions=$(grep -rnF --include='*.go' --include='*.md' --include='*.y*ml' --include='Dockerfile*' \
	--exclude-dir='.?*' --exclude-dir=bin -- "$old/" . | grep -vF "$new/"); then
	echo "rename: left as they were, for you to judge:"
	echo "$mentions"
fi
echo "rename: next, look at git diff and run make test."
