#!/bin/sh
# tests/package/run.sh [PRESET [OPTIONS of run.py]]: packages with other people's registries, copiers and
# signatures.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/package/run.py --tool "build/$preset/tests/package/package_tool" "$@"
