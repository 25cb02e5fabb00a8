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
new=
trap 'rm -rf "$out" ${new:+"$new"}' EXIT

# put FILE: to the example, whole. Who reads it or builds it meanwhile has the one or the other.
put() {
    new=$(mktemp "$here/.new-XXXXXX")
    cp "$1" "$new"
    chmod 644 "$new"
    mv "$new" "$example/${1##*/}"
}

modules=$(sed -n 's/.*"package": "file:\([a-z-]*\)".*/\1/p; s/.*"package": "oci:lab\/\([a-z-]*\):.*/\1/p' \
    "$example/app.json")
for module in $modules; do
    "$here/../modules/build.sh" "$isomer" "$out" "$module" >"$out/log"
    put "$out/$module.wasm"
done
sed -n 's/.*"interface": "\([a-z-]*\)\.wit".*/\1/p' "$example/app.json" | while read -r interface; do
    put "$here/../modules/$interface/$interface.wit"
done
[ ! -x "$example/prepare.sh" ] || "$example/prepare.sh"
