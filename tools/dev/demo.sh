#!/bin/sh
# ./dev demo: shows the main job of Isomer on this machine.
set -eu
. tools/dev/lib.sh

case ${1:-} in
-h | --help) exec sh tools/dev/help.sh ;;
esac
need_packages_of build demo
# A mistake in the arguments is told before the minutes that building may take.
[ "${1:-}" = --move ] || python3 demo/video.py "$@"
build_preset release
run_script_of demo "$@"
