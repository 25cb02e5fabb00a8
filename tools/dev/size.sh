#!/bin/sh
# ./dev size [--update] [PRESET]: sizes in bytes, stripped, beside tools/size-baseline.txt.
set -eu
. tools/dev/lib.sh

update=no
preset=release
for argument in "$@"; do
    case $argument in
    --update) update=yes ;;
    -*) die "size: unknown option '$argument'" ;;
    *) preset=$argument ;;
    esac
done

baseline=tools/size-baseline.txt
need_packages_of build "build-$preset" size
build_preset "$preset"

# Name, text, data and bss of what people get: the libraries of src and the programs of src.
measure() {
    find "build/$preset/src" -name 'libiso_*.a' ! -name '*test*' | sort | while read -r library; do
        size -t "$library" | awk -v name="$(basename "$library")" \
            '/TOTALS/ { print name, $1, $2, $3 }'
    done
    find "build/$preset" -maxdepth 1 -type f -perm -u+x -name 'isomer*' | sort | while read -r program; do
        size "$program" | awk -v name="$(basename "$program")" 'NR == 2 { print name, $1, $2, $3 }'
    done
}

measured=$(measure)
printf '%-22s %10s %8s %8s %10s %s\n' "$preset" text data bss before change
echo "$measured" | awk -v preset="$preset" -v baseline="$baseline" '
    BEGIN {
        while ((getline row < baseline) > 0) {
            split(row, field, " ")
            if (field[1] == preset) before[field[2]] = field[3] + field[4]
        }
    }
    NF == 4 {
        now = $2 + $3
        if ($1 in before)
            printf "%-22s %10d %8d %8d %10d %+d (%+.1f %%)\n", $1, $2, $3, $4, before[$1],
                now - before[$1], before[$1] ? (now - before[$1]) * 100 / before[$1] : 0
        else
            printf "%-22s %10d %8d %8d %10s\n", $1, $2, $3, $4, "-"
    }'

if [ "$update" = yes ]; then
    {
        echo "# Recorded by ./dev size --update: preset, name, text, data, bss; in bytes."
        { grep -v "^#\|^$preset " "$baseline" 2>/dev/null || true; } | cat
        echo "$measured" | sed "s/^/$preset /"
    } >"$baseline.new"
    mv "$baseline.new" "$baseline"
    echo "recorded: $baseline"
fi
