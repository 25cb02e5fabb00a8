#!/bin/sh
# bench/coap/run.sh [OPTIONS of bench.py]: CoAP calls beside libcoap's example server, over build/release.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

need_packages_of build
build_preset release
exec python3 bench/coap/bench.py --tool build/release/tests/coap/coap_tool "$@"
