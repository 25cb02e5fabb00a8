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

# bindings LANGUAGE NAME: with the interfaces of other modules that it imports in deps.
bindings() {
    rm -rf "${out:?}/$2"
    mkdir -p "$out/$2/deps"
    cp "$here/$2/$2.wit" "$out/$2"
    sed -n 's/.*isomer:\([a-z-]*\)\/.*/\1/p' "$here/$2/$2.wit" | sort -u | while read -r other; do
        [ "$other" = device ] || cp "$here/$other/$other.wit" "$out/$2/deps"
    done
    "$isomer" bindgen "$1" "$out/$2/$2.wit" -o "$out/$2"
}

# build_c NAME SOURCE... [OPTIONS]: with the SDK's small library, unless $libc is --wasi-libc.
build_c() {
    name=$1
    shift
    command -v clang >/dev/null || missing "clang is not installed"
    command -v wasm-ld >/dev/null || missing "wasm-ld (package lld) is not installed"
    bindings c "$name"
    (cd "$here/$name" && "$root/sdk/c/isomer-cc" $libc -o "$out/$name/$name.wasm" \
        "$out/$name/$name.c" "$@" "-I$out/$name" -Werror)
}

# build_with_stb NAME SOURCE HEADER: a header of libstb-dev, with the C library of wasi-libc.
build_with_stb() {
    [ -f "/usr/include/stb/$3" ] || missing "libstb-dev is not installed"
    [ -f /usr/include/wasm32-wasi/math.h ] || missing "wasi-libc is not installed"
    libc=--wasi-libc
    build_c "$1" "$2" -isystem /usr/include/stb
}

# build_rust NAME SOURCE: Debian's compiler has the library for this target; others may be first in
# the path.
build_rust() {
    rustc=/usr/bin/rustc
    [ -x "$rustc" ] || rustc=$(command -v rustc) || missing "rustc is not installed"
    [ -d "$("$rustc" --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] ||
        missing "rustc's library for Wasm (package libstd-rust-dev-wasm32) is not installed"
    # Debian's rustc links with lld; others bring it.
    command -v rust-lld >/dev/null || command -v wasm-ld >/dev/null ||
        [ -n "$(find "$("$rustc" --print sysroot)/lib/rustlib" -name rust-lld)" ] ||
        missing "rust-lld (package lld) is not installed"
    bindings rust "$1"
    cp "$here/$1/$2" "$out/$1"
    "$rustc" --edition 2021 --crate-type cdylib --target wasm32-unknown-unknown -D warnings \
        -C opt-level=2 -C panic=abort -C lto -C strip=debuginfo -o "$out/$1/$1.wasm" "$out/$1/$2"
}

# build_assemblyscript NAME: the compiler is npm's; tests/programs/run.py --fetch gets it.
build_assemblyscript() {
    asc=${ASC:-$root/.cache/npm/node_modules/assemblyscript/bin/asc.js}
    command -v node >/dev/null || missing "node is not installed"
    [ -f "$asc" ] || missing "the AssemblyScript compiler is not at $asc"
    bindings assemblyscript "$1"
    cp "$here/$1/index.ts" "$out/$1"
    (cd "$out/$1" && node "$asc" "$1.ts" --transform "./$1.mjs" --runtime incremental -O3 \
        --enable simd -o "$1.wasm")
}

build_one() {
    libc=
    case $1 in
    statistics) build_c statistics statistics_table.c statistics_number.c ;;
    seal) build_c seal sealing.c chacha20_poly1305.c ;;
    resize) build_with_stb resize pictures.c stb_image_resize.h ;;
    digits) build_c digits recogniser.c ;;
    text) build_rust text texts.rs ;;
    sharpen) build_assemblyscript sharpen ;;
    counter) build_c counter count.c ;;
    greeter) build_c greeter greetings.c ;;
    camera) build_with_stb camera frames.c stb_image.h ;;
    thermometer) build_rust thermometer measure.rs ;;
    average) build_rust average averages.rs ;;
    relay) build_rust relay switch.rs ;;
    thermostat) build_assemblyscript thermostat ;;
    plot) build_c plot chart.c ../drawing/drawing.c -I../drawing ;;
    reader) build_c reader pages.c spots.c ../drawing/drawing.c -I../drawing ;;
    screen) build_with_stb screen pictures.c stb_image_write.h ;;
    *)
        echo "modules/build.sh: there is no module $1" >&2
        exit 2
        ;;
    esac
    "$isomer" pack "$out/$1/$1.wasm" --wit "$out/$1/$1.wit" -o "$out/$1.wasm"
}

[ $# -ne 0 ] || set -- statistics seal resize digits text sharpen camera screen counter greeter thermometer \
    average relay thermostat plot reader
for module in "$@"; do
    build_one "$module"
done
