#!/bin/sh
# tests/programs/run.sh [PRESET [OPTIONS of run.py]]: real programs under a build's `isomer`.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
emulator=$(emulator_of "$preset")
exec python3 tests/programs/run.py --isomer "build/$preset/isomer" \
    --build "build/$preset/tests/programs-run" --wrapper "$emulator" "$@"
