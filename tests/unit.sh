#!/bin/sh
# tests/unit.sh PRESET [CTEST ARGUMENTS]: builds a preset and runs its unit tests (ctest).
set -eu
cd "$(dirname "$0")/.."
. tools/dev/lib.sh

preset=${1:?usage: tests/unit.sh PRESET [CTEST ARGUMENTS]}
shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec tools/run-ctest "build/$preset" "$@"
