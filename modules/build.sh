#!/bin/sh
# modules/build.sh: builds the example modules.
#
# usage: modules/build.sh ISOMER OUT [NAME...]
#
# ISOMER is the program with the commands bindgen and pack. OUT gets NAME.wasm, with the interface in
# it, and a folder NAME with the generated bindings. Without names all are built. Ends with status 77
# and a line on standard error when the compiler of a module is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
isomer=${1:?the program isomer}
out=${2:?the folder to build in}
shift 2
mkdir -p "$out"
out=$(cd "$out" && pwd)

missing() {
    echo "modules/build.sh: $1" >&2
    exit 77
}

# bindings LANGUAGE NAME
bindings() {
    rm -rf "${out:?}/$2"
    mkdir -p "$out/$2"
    "$isomer" bindgen "$1" "$here/$2/$2.wit" -o "$out/$2"
}

# build_c NAME SOURCE... [OPTIONS]: with the SDK's small library.
build_c() {
    name=$1
    shift
    command -v clang >/dev/null || missing "clang is not installed"
    command -v wasm-ld >/dev/null || missing "wasm-ld (package lld) is not installed"
    bindings c "$name"
    (cd "$here/$name" && "$root/sdk/c/isomer-cc" $libc -o "$out/$name/$name.wasm" \
        "$out/$name/$name.c" "$@" "-I$out/$name" -Werror)
}

build_one() {
    libc=
    case $1 in
    statistics) build_c statistics statistics_table.c statistics_number.c ;;
    seal) build_c seal sealing.c chacha20_poly1305.c ;;
    *)
        echo "modules/build.sh: there is no module $1" >&2
        exit 2
        ;;
    esac
    "$isomer" pack "$out/$1/$1.wasm" --wit "$here/$1/$1.wit" -o "$out/$1.wasm"
}

[ $# -ne 0 ] || set -- statistics seal
for module in "$@"; do
    build_one "$module"
done
