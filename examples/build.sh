#!/bin/sh
# examples/build.sh EXAMPLE [ISOMER]: builds the modules of an example application beside its app.json,
# from modules/: those that it names as `file:`, and those that it expects in a registry (`oci:lab/`).
# Interfaces that it names come beside them, and what else it needs is made by its prepare.sh. ISOMER is the program (that in the path). Needs clang, lld
# and what modules/README.md says; ends with status 77 when something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
example=$here/${1:?the name of an example}
isomer=${2:-isomer}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
modules=$(sed -n 's/.*"package": "file:\([a-z-]*\)".*/\1/p; s/.*"package": "oci:lab\/\([a-z-]*\):.*/\1/p' \
    "$example/app.json")
for module in $modules; do
    "$here/../modules/build.sh" "$isomer" "$out" "$module" >"$out/log"
    cp "$out/$module.wasm" "$example/.$module.new"
    mv "$example/.$module.new" "$example/$module.wasm" # who reads it meanwhile has the one or the other
done
sed -n 's/.*"interface": "\([a-z-]*\)\.wit".*/\1/p' "$example/app.json" | while read -r interface; do
    cp "$here/../modules/$interface/$interface.wit" "$example"
done
[ ! -x "$example/prepare.sh" ] || "$example/prepare.sh"
