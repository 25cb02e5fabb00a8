#!/bin/sh
# examples/build.sh EXAMPLE [ISOMER]: builds the modules of an example application beside its app.json,
# from modules/. ISOMER is the program (that in the path). Needs clang and lld; ends with status 77
# when they are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
example=$here/${1:?the name of an example}
isomer=${2:-isomer}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sed -n 's/.*"package": "file:\([a-z-]*\)".*/\1/p' "$example/app.json" | while read -r module; do
    "$here/../modules/build.sh" "$isomer" "$out" "$module" >"$out/log"
    cp "$out/$module.wasm" "$example"
done
