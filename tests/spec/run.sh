#!/bin/sh
# tests/spec/run.sh PRESET [OPTIONS of spec_runner]: builds a preset and runs the official suite with
# it, under qemu where the preset is for another processor.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:?usage: tests/spec/run.sh PRESET [OPTIONS]}
shift
if [ -z "$ISOMER_SPEC_TESTS" ] || [ ! -d "$ISOMER_SPEC_TESTS" ]; then
    sed 's/^/skip  /; s/$/: ISOMER_SPEC_TESTS names no folder/' tests/spec/files.txt
    echo "0 passed, 0 failed, $(wc -l <tests/spec/files.txt) skipped"
    exit 0
fi

need_packages_of build "build-$preset"
build_preset "$preset" spec_runner
emulator=$(emulator_of "$preset")

scripts=build/spec-scripts
python3 tests/spec/spec2script.py "$ISOMER_SPEC_TESTS" "$scripts"
# shellcheck disable=SC2086
exec $emulator "build/$preset/tests/spec/spec_runner" --dir "$ISOMER_SPEC_TESTS" \
    --scripts "$scripts" --list tests/spec/files.txt "$@"
