#!/bin/sh
# tests/orchestrator/cli.sh [PRESET [NAMES...]]: the commands that talk to an orchestrator.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/orchestrator/cli_run.py "build/$preset/isomer" "$@"
