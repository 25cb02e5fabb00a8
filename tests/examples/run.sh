#!/bin/sh
# tests/examples/run.sh [PRESET [OPTIONS of run.py]]: the applications of examples/, each on the devices that its
# folder describes, used as people would.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
python3 tests/programs/run.py --fetch # the AssemblyScript compiler
exec python3 tests/examples/run.py --build "build/$preset" "$@"
