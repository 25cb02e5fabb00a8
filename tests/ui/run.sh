#!/bin/sh
# tests/ui/run.sh [PRESET [OPTIONS of run.py]]: the orchestrator's page in Chromium, with real supervisors.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/ui/run.py --build "build/$preset" "$@"
