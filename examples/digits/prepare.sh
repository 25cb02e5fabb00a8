#!/bin/sh
# examples/digits/prepare.sh [SEED [COUNT [FOLDER]]]: draws the papers that the camera sees, here or in
# FOLDER: JPEG files, and papers.txt with the number on each. Ends with status 77 when something is
# missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../../modules/digits
folder=${3:-$here/papers}
for program in "${CC:-cc}" ffmpeg; do
    command -v "$program" >/dev/null || {
        echo "examples/digits/prepare.sh: $program is not installed" >&2
        exit 77
    }
done
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"${CC:-cc}" -O2 -std=c11 -D_GNU_SOURCE -o "$made/digits_papers" "$source/digits_papers.c" \
    "$source/digits_lines.c" -lm
"$made/digits_papers" "${1:-2026}" "${2:-60}" "$made"
mkdir -p "$folder"
rm -f "$folder"/*.jpg
ffmpeg -v error -nostdin -start_number 0 -i "$made/paper-%03d.pgm" -pix_fmt gray -q:v 3 -start_number 0 \
    "$folder/paper-%03d.jpg"
cp "$made/papers.txt" "$folder"
