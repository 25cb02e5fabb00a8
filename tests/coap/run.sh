#!/bin/sh
# tests/coap/run.sh [PRESET [OPTIONS of run.py]]: our CoAP server and client with programs of others.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/coap/run.py --tool "build/$preset/tests/coap/coap_tool" \
    --build "build/$preset/tests/coap-run" "$@"
