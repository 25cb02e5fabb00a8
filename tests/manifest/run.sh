#!/bin/sh
# tests/manifest/run.sh [PRESET]: manifests against their JSON Schema and documentation, and mistakes
# in them against what is to be said of each.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/manifest/run.py --tool "build/$preset/tests/manifest/manifest_tool" --root .
