#!/bin/sh
# tests/package-debs/run.sh [--only NAME]...: makes the Debian packages and tries them.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

need_packages_of test-full
sh tools/dev/package.sh
exec python3 -B tests/package-debs/run.py "$@"
