#!/bin/sh
# tests/orchestrator/five_commands.sh [PRESET]: does what README.md says between its markers, word for word,
# as somebody who has just built isomer: with a home directory that is empty, in a network of its own. All
# of it together must take less than two minutes.
set -eu
cd "$(dirname "$0")/../.."
. tools/dev/lib.sh

preset=${1:-release}
need_packages_of build "build-$preset"
build_preset "$preset"
limit=120

skip() {
    echo "skip  five_commands: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
for program in clang wasm-ld unshare ip; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
unshare -rn true 2>/dev/null || skip "no network namespaces here"

home=$(mktemp -d)
cleanup() {
    rm -rf "$home"
}
trap cleanup EXIT
sed -n '/^<!-- five commands -->$/,/^<!-- end of the five commands -->$/p' README.md |
    grep -v '^<!--\|^```' >"$home/commands"
failed() {
    echo "FAIL  five_commands: $1"
    sed 's/^/    /' "$home/output"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
: >"$home/output"
[ "$(grep -c . "$home/commands")" = 5 ] || failed "README.md has not five commands between its markers"

# The file is a script as it stands; what it left running is stopped after it.
cat >"$home/run" <<'END'
ip link set lo up
began=$(date +%s)
timeout "$1" sh -e "$HOME/commands" >"$HOME/output" 2>&1 && status=0 || status=$?
echo "$status $(($(date +%s) - began))" >"$HOME/result"
isomer down
END
env -i HOME="$home" PATH="$PWD/build/$preset:$PATH" TERM=dumb XDG_STATE_HOME="$home/.local/state" \
    ISOMER_RUNTIME_DIR="$home/run-notes" unshare -rn sh "$home/run" $limit
read -r status seconds <"$home/result"
[ "$status" = 0 ] || failed "they ended with status $status after $seconds s"
grep -q '^"Hello, you! You are number 1."$' "$home/output" || failed "nobody was greeted"
[ "$(sed -n 's|^hello/[a-z]* *\([a-z]*\) *running .*|\1|p' "$home/output" | sort -u | tr '\n' ' ')" = "den kitchen " ] ||
    failed "the components are not on two devices"
[ "$seconds" -lt $limit ] || failed "they took $seconds s"
echo "ok    five_commands: $seconds s"
echo "1 passed, 0 failed, 0 skipped"
