#!/bin/sh
# Runs the bench over build/release; ./dev bench builds that first. Arguments: bench.py --help.
set -eu
cd "$(dirname "$0")/.."
exec python3 bench/bench.py "$@"
