#!/bin/sh
# tests/modules/run.sh [PRESET [OPTIONS of run.py]]: builds the example modules and calls them.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
python3 tests/programs/run.py --fetch # the AssemblyScript compiler
exec python3 tests/modules/run.py --isomer "build/$preset/isomer" \
    --build "build/$preset/modules" "$@"
