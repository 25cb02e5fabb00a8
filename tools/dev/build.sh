#!/bin/sh
# ./dev build [PRESET...]: builds into build/PRESET.
set -eu
. tools/dev/lib.sh

[ $# -gt 0 ] || set -- release
need_packages_of build
for preset in "$@"; do
    grep -q "\"configurePreset\": \"$preset\"" CMakePresets.json ||
        die "no preset is called '$preset'; see CMakePresets.json"
    need_packages_of "build-$preset"
    build_preset "$preset"
    echo "built: build/$preset"
done
