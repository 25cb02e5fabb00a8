#!/bin/sh
# modules/digits/train.sh: makes digits_weights.h anew. The compiler and the processor may change the
# last digits of a number, not what the network can do; tests/modules measures that.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${CC:-cc}" -O3 -std=c11 -D_GNU_SOURCE -o "$folder/digits_train" digits_train.c digits_lines.c -lm
"$folder/digits_train" weights >"$folder/digits_weights.h"
mv "$folder/digits_weights.h" digits_weights.h
