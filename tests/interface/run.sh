#!/bin/sh
# tests/interface/run.sh [PRESET [OPTIONS of run.py]]: generated bindings and descriptions, with the
# compilers and validators of others.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
emulator=
case $preset in
aarch64 | riscv64 | mips) emulator=qemu-$preset ;;
armhf) emulator=qemu-arm ;;
esac
exec python3 tests/interface/run.py --tool "build/$preset/tests/interface/interface_tool" \
    --build "build/$preset/tests/interface-run" --wrapper "$emulator" "$@"
