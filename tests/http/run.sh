#!/bin/sh
# tests/http/run.sh [PRESET [OPTIONS of run.py]]: the HTTP server with curl, plain sockets and
# slowhttptest.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
[ $# -eq 0 ] || shift
need_packages_of build "build-$preset"
build_preset "$preset"
exec python3 tests/http/run.py --tool "build/$preset/tests/http/http_tool" "$@"
