#!/bin/sh
# tests/devices/run.sh [PRESET]: a guest in C calls every device interface, under the supervisor's core.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/devices/run.py --isomer "build/$preset/isomer" \
    --host "build/$preset/tests/devices/devices_host" --build "build/$preset/tests/devices-run"
