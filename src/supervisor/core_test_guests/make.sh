#!/bin/sh
# Write core_test_guests.h, the bytes of the guests of the core's tests, from their text. Needs
# wat2wasm of wabt; the header is kept, so that building the tests needs nothing.
set -eu
cd "$(dirname "$0")"
out=../core_test_guests.h
{
    echo "/* core_test_guests.h - the guests of core_test_guests/, written by its make.sh. */"
    echo "#ifndef ISO_SUPERVISOR_CORE_TEST_GUESTS_H"
    echo "#define ISO_SUPERVISOR_CORE_TEST_GUESTS_H"
    echo
    echo "#include <stdint.h>"
    for source in *.wat; do
        name=$(basename "$source" .wat)
        wat2wasm "$source" -o "/tmp/core_guest.$$.wasm"
        echo
        echo "/* $source */"
        echo "static const uint8_t core_guest_${name}[] = {"
        od -An -v -tx1 "/tmp/core_guest.$$.wasm" | sed -e 's/ \([0-9a-f][0-9a-f]\)/0x\1, /g'
        echo "};"
    done
    echo
    echo "#endif"
} >"$out"
rm -f "/tmp/core_guest.$$.wasm"
clang-format-14 -i "$out"
