#!/bin/sh
# tests/mdns/run.sh [PRESET]: our mDNS with avahi and python3-zeroconf, on a bridge between network
# namespaces that vanish with the script. What cannot be tried here is skipped by name.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
tool=build/$preset/tests/mdns/mdns_tool

# Namespaces of processes, too: whatever is left of them is ended by the kernel. Without being root, in
# a namespace of users.
for form in "" "--user --map-root-user"; do
    # shellcheck disable=SC2086
    if unshare $form --net --mount --pid --fork true 2>/dev/null; then
        # shellcheck disable=SC2086
        exec unshare $form --net --mount --pid --fork --kill-child --mount-proc \
            /usr/bin/python3 tests/mdns/run.py --tool "$tool" "$@"
    fi
done
echo "skip  mdns: no network namespaces here"
echo "0 passed, 0 failed, 1 skipped"
