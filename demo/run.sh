#!/bin/sh
# ./dev demo: the video of a poor camera, upscaled on the device that has the power, shown on another one
# (demo/video.py); with --move programs that move between processors and devices while they run
# (demo/move.sh).
#
# Called by tools/dev/demo.sh at the top of the repository, with build/release built.
set -eu
. tools/dev/lib.sh

if [ "${1:-}" = --move ]; then
    shift
    exec sh demo/move.sh "$@"
fi
exec python3 demo/video.py --build "$BUILD" "$@"
