#!/bin/sh
# tests/interface/run.sh [PRESET [OPTIONS of run.py]]: generated bindings and descriptions, with the
# compilers and validators of others.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
emulator=$(emulator_of "$preset")
# Calls also move to a machine with 32-bit words and the other byte order, and back.
case " $* " in
*" --full "*)
    need_packages_of build-mips
    build_preset mips
    set -- "$@" --other build/mips/tests/interface/interface_tool=qemu-mips
    ;;
esac
exec python3 tests/interface/run.py --tool "build/$preset/tests/interface/interface_tool" \
    --build "build/$preset/tests/interface-run" --wrapper "$emulator" "$@"
