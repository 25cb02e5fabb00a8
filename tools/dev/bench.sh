#!/bin/sh
# ./dev bench: measures speed; the arguments are those of bench/run.sh.
set -eu
. tools/dev/lib.sh

need_packages_of build bench
build_preset release
run_script_of bench "$@"
