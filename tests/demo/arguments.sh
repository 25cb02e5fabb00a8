#!/bin/sh
# tests/demo/arguments.sh: what ./dev demo says of a video that it cannot show, before it does anything.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

command -v ffmpeg >/dev/null 2>&1 || {
    echo "skip  arguments of the demo: ffmpeg is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
passed=0
failed=0

check() { # WHAT STATUS WANTED SAID TEXT
    case $4 in
    *"$5"*) found=yes ;;
    *) found=no ;;
    esac
    if [ "$2" -eq "$3" ] && [ "$found" = yes ]; then
        passed=$((passed + 1))
        echo "ok    $1"
    else
        failed=$((failed + 1))
        echo "FAIL  $1: status $2, wanted $3 and '$5': $4"
    fi
}

expect() { # STATUS TEXT ARGUMENTS...
    wanted=$1 text=$2
    shift 2
    status=0
    said=$(python3 demo/video.py "$@" 2>&1) || status=$?
    check "$*" "$status" "$wanted" "$said" "$text"
}

echo "no film" >"$work/notes.txt"
ffmpeg -v error -f lavfi -i testsrc2=size=64x36:rate=10 -t 0.5 -c:v mjpeg "$work/a film's.avi"
ffmpeg -v error -f lavfi -i sine -t 0.2 "$work/tone.wav"

expect 0 '' --video "$work/a film's.avi"
expect 0 '' --check --seconds 5 --video "$work/a film's.avi"
expect 1 'there is no such file' --video "$work/nothing.mp4"
expect 1 'there is no such file' --video ''
expect 1 'it is no file; a film, /dev/videoN or an address' --video "$work"
expect 1 'ffmpeg finds no picture in it: Invalid data' --video "$work/notes.txt"
expect 1 'ffmpeg finds no picture in it' --check --video "$work/tone.wav"
expect 1 'there is no such device; this machine has' --video /dev/video97
expect 1 'ffmpeg finds no picture in it: Connection refused' --video rtsp://127.0.0.1:9/x
expect 1 'ffmpeg finds no picture in it: Protocol not found' --video nothing://127.0.0.1/x
expect 2 '5 to 3600 would be right' --seconds 4
expect 2 'unrecognized arguments: --cheek' --cheek

# A film is looked for where ./dev was called.
root=$PWD
status=0
said=$(cd "$work" && "$root/dev" demo --video notes.txt 2>&1) || status=$?
check 'from another folder' "$status" 1 "$said" 'ffmpeg finds no picture in it: Invalid data'

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
