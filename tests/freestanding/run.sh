#!/bin/sh
# tests/freestanding/run.sh [--figures]: the engine without a C library: on a Cortex-M4 in
# qemu-system-arm, and as a WebAssembly module in node and in isomer itself. With --figures, times too.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

need_packages_of build build-cortex-m4 build-wasm32
build_preset release isomer bench_products
build_preset cortex-m4
build_preset cortex-m4-small
build_preset wasm32
exec python3 tests/freestanding/run.py "$@"
