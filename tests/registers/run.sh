#!/bin/sh
# tests/registers/run.sh PRESET [--all]: shows that the interpreter of a build keeps its state in
# registers: disassembles it and looks at the code of each operation (handlers.py).
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:?usage: tests/registers/run.sh PRESET [--all]}
shift
need_packages_of build "build-$preset"
build_preset "$preset" migrate_tool
exec python3 tests/registers/handlers.py --name "$preset" \
    --program "build/$preset/tests/migration/migrate_tool" \
    --objdump "$(sed -n 's/^CMAKE_OBJDUMP:FILEPATH=//p' "build/$preset/CMakeCache.txt")" \
    --hot tests/registers/hot.txt "$@"
