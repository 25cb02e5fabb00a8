#!/bin/sh
# tests/deployment/run.sh [PRESET]: deployment documents against their JSON Schema and documentation.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/deployment/run.py --tool "build/$preset/tests/deployment/document_tool" --root .
