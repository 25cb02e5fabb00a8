#!/bin/sh
# ./dev fuzz: runs the fuzz targets; the arguments are those of fuzz/run.sh.
set -eu
. tools/dev/lib.sh

need_packages_of build build-fuzz fuzz
build_preset fuzz
run_script_of fuzz "$@"
