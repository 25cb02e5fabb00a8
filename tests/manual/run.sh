#!/bin/sh
# tests/manual/run.sh [PRESET]: the manual pages and the completion that are made from the tables of
# commands.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
build_preset "$preset" programs
exec python3 -B tests/manual/run.py --build "build/$preset"
