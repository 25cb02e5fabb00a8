#!/bin/sh
# ./dev demo: shows the main job of Isomer on this machine.
set -eu
. tools/dev/lib.sh

need_packages_of build demo
build_preset release
run_script_of demo "$@"
