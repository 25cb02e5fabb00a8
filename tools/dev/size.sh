#!/bin/sh
# ./dev size [--check | --update] [PRESET]: sizes in bytes, stripped, beside tools/size-baseline.txt.
#
# Programs are counted as files, stripped. Two have limits, of 300,000 and 600,000 bytes:
#
#   engine-whole    a program with all of libiso_engine in it, whether used or not, and what that needs
#                   of libiso_base, linked with the system's C library: the engine with SIMD
#   isomer-dynamic  the program isomer, linked likewise (the one called isomer has the C library inside)
#
# --check: the limits are kept, and no program is more than 5 % larger than when last recorded; for
# the default preset. --update records.
set -eu
. tools/dev/lib.sh

mode=show
preset=release
for argument in "$@"; do
    case $argument in
    --check | --update) mode=${argument#--} ;;
    -*) die "size: unknown option '$argument'" ;;
    *) preset=$argument ;;
    esac
done

baseline=tools/size-baseline.txt
need_packages_of build "build-$preset" size
[ "$mode" = check ] || build_preset "$preset"
build_preset "$preset" engine-whole isomer-dynamic

# Name, bytes, text, data and bss: the programs that people get, then the libraries of src.
measure() {
    stripped=$(mktemp)
    for program in "build/$preset/engine-whole" "build/$preset"/isomer*; do
        if [ -f "$program" ] && [ -x "$program" ]; then
            strip -o "$stripped" "$program"
            size "$stripped" | awk -v name="$(basename "$program")" -v bytes="$(wc -c <"$stripped")" \
                'NR == 2 { print name, bytes, $1, $2, $3 }'
        fi
    done
    rm -f "$stripped"
    find "build/$preset/src" -name 'libiso_*.a' ! -name '*test*' | sort | while read -r library; do
        size -t "$library" | awk -v name="$(basename "$library")" \
            '/TOTALS/ { print name, $1 + $2, $1, $2, $3 }'
    done
}

measured=$(measure)
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "build/$preset/CMakeCache.txt")
compiler=$("$compiler" -dumpmachine)-$("$compiler" -dumpversion)

# The table; with check=1, after it the verdict. Exit status 1 when one is bad.
echo "$measured" | awk -v preset="$preset" -v baseline="$baseline" -v compiler="$compiler" \
    -v check="$([ "$mode" = check ] && echo 1 || echo 0)" '
    BEGIN {
        limit["engine-whole"] = 300 * 1000
        limit["isomer-dynamic"] = 600 * 1000
        growth = 5
        while ((getline row < baseline) > 0) {
            split(row, field, " ")
            if (field[1] == preset) before[field[2]] = field[3]
            if (field[1] == "compiler" && field[2] == preset) recorded = field[3]
        }
        printf "%-30s %9s %9s %7s %8s %9s  %s\n", preset, "bytes", "text", "data", "bss", "before", "change"
    }
    NF == 5 {
        line = sprintf("%-30s %9d %9d %7d %8d", $1, $2, $3, $4, $5)
        change = "-"
        if ($1 in before) {
            percent = before[$1] ? ($2 - before[$1]) * 100 / before[$1] : 0
            line = line sprintf(" %9d  %+d (%+.1f %%)", before[$1], $2 - before[$1], percent)
            if ($1 !~ /\.a$/ && recorded == compiler) {
                if (percent > growth) {
                    bad++
                    why[++reasons] = "failed: " $1 " has grown by more than " growth " %; if that is meant: ./dev size --update"
                } else good++
            }
        } else line = line sprintf(" %9s", "-")
        if ($1 in limit) {
            kept = $2 <= limit[$1]
            line = line sprintf("  limit %d: %s", limit[$1], kept ? "kept" : "NOT KEPT")
            if (kept) good++
            else if ($1 in before && before[$1] > limit[$1]) {
                skipped++
                why[++reasons] = "skip  limit of " $1 ": it has never been kept yet; " $2 - limit[$1] " bytes are too many"
            } else {
                bad++
                why[++reasons] = "failed: " $1 " has " $2 " bytes, its limit is " limit[$1]
            }
        }
        print line
    }
    END {
        if (!check) exit 0
        for (i = 1; i <= reasons; i++) print why[i]
        if (recorded != compiler) {
            skipped++
            print "skip  growth: recorded with " (recorded ? recorded : "nothing") ", this is " compiler
        }
        printf "%d passed, %d failed, %d skipped\n", good, bad, skipped
        exit bad > 0
    }'

if [ "$mode" = update ]; then
    {
        echo "# Recorded by ./dev size --update: preset, name, bytes (programs: files, stripped;"
        echo "# libraries: text and data), text, data, bss; and the compiler."
        { grep -v "^#\|^$preset \|^compiler $preset " "$baseline" 2>/dev/null || true; } | cat
        echo "compiler $preset $compiler"
        echo "$measured" | sed "s/^/$preset /"
    } >"$baseline.new"
    mv "$baseline.new" "$baseline"
    echo "recorded: $baseline"
fi
