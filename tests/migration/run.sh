#!/bin/sh
# tests/migration/run.sh [--no-cross] [OPTIONS of run.py]: moves running programs between processes and,
# with builds for other processors under qemu, between architectures: two others, which differ most from
# this one and each other; with --pairs all four.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

need_packages_of build
build_preset release
target=migrate_tool
presets="aarch64 mips"
case " $* " in
*" --python "*)
    target=isomer
    python3 tests/programs/run.py --fetch
    ;;
*" --pairs "*) presets="aarch64 armhf riscv64 mips" ;;
esac
others=
if [ "${1:-}" = --no-cross ]; then
    shift
else
    for preset in $presets; do
        need_packages_of "build-$preset"
        build_preset "$preset" "$target"
        others="$others --other $preset=build/$preset=$(emulator_of "$preset")"
    done
fi
# shellcheck disable=SC2086
exec python3 tests/migration/run.py --host build/release $others "$@"
