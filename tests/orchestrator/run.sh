#!/bin/sh
# tests/orchestrator/run.sh [PRESET [OPTIONS of run.py]]: the orchestrator with real supervisors, as its users and
# other programs see it.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/orchestrator/run.py --build "build/$preset" "$@"
