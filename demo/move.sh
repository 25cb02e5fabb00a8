#!/bin/sh
# ./dev demo --move: a program that computes, is stopped in the midst of it on this machine, goes on as a
# program for other processors, and ends with the same output as without the disturbance; and a
# component that moves between two devices while it is called.
#
# Called by demo/run.sh at the top of the repository, with build/release built.
set -eu
. tools/dev/lib.sh

DIGITS=${1:-20000}
WORK=$ROOT/build/demo-move # beside a demo that runs
ISOMER=$BUILD/isomer

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    bold='' plain=''
fi
step=0
say() {
    step=$((step + 1))
    printf '\n%s%d. %s%s\n' "$bold" "$step" "$*" "$plain"
}
# Shows a command and runs it.
show() {
    printf '   $ %s\n' "$*"
    "$@" 2>&1 | sed 's/^/   /'
}
fail() {
    printf '\n%sdemo: %s%s\n' "$bold" "$*" "$plain" >&2
    exit 1
}

# Waits until a file has a line that begins with TEXT, at most five minutes.
wait_for() { # FILE TEXT
    rounds=0
    until grep -q "^$2" "$1" 2>/dev/null; do
        rounds=$((rounds + 1))
        [ "$rounds" -lt 6000 ] || fail "the program does not print '$2'"
        sleep 0.05
    done
}

# Runs a command in the background until it has printed TEXT, then has it write a snapshot and stop.
run_until() { # TEXT OUTPUT COMMAND...
    text=$1 output=$2
    shift 2
    printf '   $ %s &\n' "$*"
    "$@" >"$output" 2>"$output.messages" &
    pid=$!
    wait_for "$output" "$text"
    printf '   $ kill -USR1 %s\n' "$pid"
    kill -USR1 "$pid"
    status=0
    wait "$pid" || status=$?
    sed 's/^/   | /' "$output"
    sed 's/^/   /' "$output.messages"
    [ "$status" -eq 75 ] || fail "status $status instead of 75 (stopped with a snapshot)"
}

run_to_end() { # OUTPUT COMMAND...
    output=$1
    shift
    printf '   $ %s\n' "$*"
    status=0
    "$@" >"$output" || status=$?
    sed 's/^/   | /' "$output"
    [ "$status" -eq 0 ] || fail "status $status instead of 0"
}

processor() { # BINARY
    python3 - "$1" <<'END'
import struct, sys
with open(sys.argv[1], "rb") as file:
    head = file.read(20)
order = "<" if head[5] == 1 else ">"
names = {8: "MIPS", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}
machine = struct.unpack_from(order + "H", head, 18)[0]
print(f"{names.get(machine, machine)}, {32 * head[4]} bits, "
      f"{'little' if order == '<' else 'big'}-endian")
END
}

# Builds isomer alone, without the tests, with a preset.
build_isomer() { # PRESET
    log=build/demo-$1.log
    if ! { cmake --preset "$1" && cmake --build "build/$1" -j "$JOBS" --target isomer; } \
        >"$log" 2>&1; then
        cat "$log" >&2
        fail "building isomer for '$1' failed"
    fi
}

say "isomer, built for this machine and for others"
build_isomer aarch64
AARCH64=$ROOT/build/aarch64/isomer
MIPS=
if command -v mips-linux-gnu-gcc >/dev/null 2>&1 && command -v qemu-mips >/dev/null 2>&1; then
    build_isomer mips
    MIPS=$ROOT/build/mips/isomer
fi
for binary in "$ISOMER" "$AARCH64" $MIPS; do
    printf '   %s: %s\n' "${binary#"$ROOT"/}" "$(processor "$binary")"
done

say "A program in C, compiled once to WebAssembly: demo/pi.c"
rm -rf "$WORK"
mkdir -p "$WORK/undisturbed" "$WORK/moved"
show clang-14 --target=wasm32-wasi -O2 -o "$WORK/pi.wasm" demo/pi.c
printf '   %s bytes, digest %s\n' "$(wc -c <"$WORK/pi.wasm")" \
    "$(sha256sum "$WORK/pi.wasm" | cut -c 1-16)..."
cd "$WORK"

say "Undisturbed: it computes $DIGITS digits of pi into a file of a granted directory"
run_to_end undisturbed.out "$ISOMER" run --dir undisturbed::/out pi.wasm "$DIGITS" /out/pi.txt

say "The same again, but stopped at 30 % on this processor"
run_until ' 30 %' moved.1 \
    "$ISOMER" run --snapshot pi.snap --dir moved::/out pi.wasm "$DIGITS" /out/pi.txt

say "What is in the snapshot"
show "$ISOMER" inspect pi.snap

if [ -n "$MIPS" ]; then
    say "It goes on as a program for AArch64 (played by qemu), and is stopped again at 60 %"
    run_until ' 60 %' moved.2 \
        qemu-aarch64 "$AARCH64" resume --snapshot pi.snap --dir moved::/out pi.snap
    say "It goes on as a program for MIPS: 32 bits, big-endian"
    run_to_end moved.3 qemu-mips "$MIPS" resume --dir moved::/out pi.snap
else
    say "It goes on as a program for AArch64 (played by qemu)"
    run_to_end moved.2 qemu-aarch64 "$AARCH64" resume --dir moved::/out pi.snap
    : >moved.3
    echo "   (with gcc-mips-linux-gnu and libc6-dev-mips-cross installed it would also visit MIPS)"
fi

say "Is the result the same as without the disturbance?"
cat moved.1 moved.2 moved.3 >moved.out
cmp undisturbed.out moved.out || fail "what was printed differs"
cmp undisturbed/pi.txt moved/pi.txt || fail "the files differ"
printf '   printed:       %s lines, the same\n' "$(wc -l <moved.out)"
printf '   /out/pi.txt:   %s bytes, the same: %s...%s\n' "$(wc -c <moved/pi.txt)" \
    "$(cut -c 1-16 moved/pi.txt)" "$(cut -c $((DIGITS - 15))-"$DIGITS" moved/pi.txt)"
say "Two devices: a component is called on one and moves to the other in the midst of the call"
cd "$ROOT"
"$ISOMER" bindgen c demo/primes.wit -o "$WORK/primes" >/dev/null
CLANG=clang-14 sdk/c/isomer-cc -o "$WORK/primes-bare.wasm" demo/primes.c "$WORK/primes/primes.c" \
    "-I$WORK/primes"
show "$ISOMER" pack "$WORK/primes-bare.wasm" --wit demo/primes.wit -o "$WORK/primes.wasm"
python3 demo/devices.py "$BUILD" "$WORK/primes.wasm" 4000000

printf '\n%sThe programs moved between processors and devices while they ran, and did not notice.%s\n' \
    "$bold" "$plain"
