#!/bin/sh
# tests/migration/run.sh [--no-cross] [OPTIONS of run.py]: moves running programs between processes and,
# with builds for aarch64 and mips (32-bit, big-endian) under qemu, between architectures.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

need_packages_of build
build_preset release
others=
if [ "${1:-}" = --no-cross ]; then
    shift
else
    need_packages_of build-aarch64 build-mips
    for preset in aarch64 mips; do
        build_preset "$preset"
        others="$others --other $preset=build/$preset=qemu-$preset"
    done
fi
case " $* " in
*" --python "*) python3 tests/programs/run.py --fetch ;;
esac
# shellcheck disable=SC2086
exec python3 tests/migration/run.py --host build/release $others "$@"
