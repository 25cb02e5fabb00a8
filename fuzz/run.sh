#!/bin/sh
# fuzz/run.sh [--seconds N | --quick] [TARGET...]: runs the fuzz targets one after the other,
# each for N seconds (600; --quick: 10). TARGETs: module, execute, snapshot, json, cbor,
# abi_lift, call_load, wit, wit_binary, frames, http_text, pairing, coap, mdns, document, manifest, flow,
# component, npm, oci, sign, differential; default all.
#
# The corpus stays under build/fuzz-corpus. A finding is copied to fuzz/regressions/TARGET/, from where
# the unit tests replay it. The last line is `N passed, N failed, N skipped`, counting targets.
set -eu
cd "$(dirname "$0")/.."
. tools/dev/lib.sh

seconds=600
targets=
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        seconds=${2:?--seconds needs a number}
        shift
        ;;
    --quick) seconds=10 ;;
    module | execute | snapshot | json | cbor | abi_lift | call_load | wit | wit_binary | frames | \
        http_text | pairing | coap | mdns | document | manifest | flow | component | npm | oci | sign | \
        differential)
        targets="$targets $1"
        ;;
    *) die "fuzz: what is '$1'? usage: ./dev fuzz [--seconds N | --quick] [TARGET...]" ;;
    esac
    shift
done
[ -n "$targets" ] || targets="module execute snapshot json cbor abi_lift call_load wit wit_binary frames
    http_text pairing coap mdns document manifest flow component npm oci sign differential"

passed=0
failed=0
skipped=0

# Something to begin with: real modules for one target, random bytes for the others.
make_seeds() { # TARGET FOLDER
    if [ "$1" = module ]; then
        if [ -n "$ISOMER_SPEC_TESTS" ]; then
            find "$ISOMER_SPEC_TESTS" -name '*.wasm' -size -9k -exec cp {} "$2" \;
        fi
        find build/fuzz/bench/guests -name '*.wasm' -size -9k -exec cp {} "$2" \; 2>/dev/null || true
    elif [ "$1" = manifest ]; then
        for file in tests/manifest/mistakes/*.json tests/manifest/accepted/*.json; do
            { printf '\0' && cat "$file"; } >"$2/$(basename "$file" .json)"
        done
    elif [ "$1" = frames ]; then
        python3 - "$2" <<'END'
import sys
jpeg = bytes.fromhex("ffd8ffe10008ffd8ffd94578ffc0000b080010001001011100"
                     "ffda0008010100003f00" "12ff0034ffd056ffd9")
pam = b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH %d\nMAXVAL 255\nTUPLTYPE X\nENDHDR\n"
seeds = {"jpeg": jpeg + b"--boundary" + jpeg[:40] + jpeg, "rgba": pam % 4 + bytes(16) + pam % 4,
         "gray": pam % 1 + bytes(4) + b"P7" + pam % 1}
for name, seed in seeds.items():
    with open(sys.argv[1] + "/" + name, "wb") as stream:
        stream.write(bytes([7]) + seed)
END
    else
        python3 - "$2" <<'END'
import random, sys
for n in range(40):
    source = random.Random(n)
    with open("%s/random-%d" % (sys.argv[1], n), "wb") as stream:
        stream.write(bytes([1]) + source.randbytes(source.randrange(100, 4000)))
END
    fi
}

fuzz_target() { # TARGET
    corpus=build/fuzz-corpus/$1
    seeds=build/fuzz-corpus/$1-seeds
    findings=build/fuzz-findings/$1
    mkdir -p "$corpus" "$seeds" "$findings"
    make_seeds "$1" "$seeds"
    # The replay of old findings and the seeds come first; then new inputs.
    known=
    [ ! -d "fuzz/regressions/$1" ] || known=fuzz/regressions/$1
    # shellcheck disable=SC2086
    if "build/fuzz/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2500 \
        -max_len=8192 -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" "$seeds" \
        $known >"$findings.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$findings.log")
        echo "ok    $1: $runs inputs in $seconds s"
        passed=$((passed + 1))
        return 0
    fi
    failed=$((failed + 1))
    echo "FAIL  $1"
    grep -v '^#' "$findings.log" | tail -n 40
    mkdir -p "fuzz/regressions/$1"
    for file in "$findings"/*; do
        [ -f "$file" ] || continue
        kept=fuzz/regressions/$1/$(basename "$file").bin
        cp "$file" "$kept"
        echo "    kept as $kept"
    done
}

differential() {
    log=build/fuzz-findings/differential.log
    mkdir -p build/fuzz-findings
    if python3 fuzz/differential.py --generate build/fuzz/fuzz/fuzz_generate --seconds "$seconds" \
        --seed "$(date +%s)" --keep build/fuzz-findings >"$log" 2>&1; then
        case $(tail -n 1 "$log") in
        *" 0 passed"* | "0 passed"*)
            grep '^skip' "$log" || true
            skipped=$((skipped + 1))
            ;;
        *)
            echo "ok    differential: $(tail -n 1 "$log")"
            passed=$((passed + 1))
            ;;
        esac
    else
        echo "FAIL  differential"
        tail -n 20 "$log"
        failed=$((failed + 1))
    fi
}

for target in $targets; do
    if [ "$target" = differential ]; then
        differential
    else
        fuzz_target "$target"
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
